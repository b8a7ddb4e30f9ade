"""Verdicts: how each attempt to mend a failure mode ended, and why."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store.columns import moment
from fixers.evidence import Verdict
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO verdicts (tenant, verdict_id, failure_mode_id, proposal_id, base_sha, n_traces, verdict, reason,
                          decided_at)
    VALUES (:tenant, :verdict_id, :failure_mode_id, :proposal_id, :base_sha, :n_traces, :verdict, :reason, :decided_at)
    ON CONFLICT (tenant, verdict_id) DO UPDATE SET decided_at = excluded.decided_at
""")
_ALL = sa.text("SELECT * FROM verdicts WHERE tenant = :tenant ORDER BY decided_at, verdict_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedVerdict:
    """One attempt on a failure mode and what came of it."""

    failure_mode_id: str
    #: None when nothing was drafted.
    proposal_id: str | None
    #: The commit that the attempt started from.
    base_sha: str
    #: Traces that the failure mode had then.
    n_traces: int
    verdict: Verdict
    #: One sentence that says why this verdict.
    reason: str
    #: Aware, UTC.
    decided_at: datetime


def save_verdict(connection: sa.Connection, tenant: str, recorded: RecordedVerdict) -> None:
    """Keep a verdict; the same one again, by a step that ran twice or another attempt, is one, decided last then."""
    row = {
        "tenant": tenant,
        "verdict_id": _verdict_id(recorded),
        "failure_mode_id": recorded.failure_mode_id,
        "proposal_id": recorded.proposal_id,
        "base_sha": recorded.base_sha,
        "n_traces": recorded.n_traces,
        "verdict": recorded.verdict.value,
        # The reason may quote a model or a test: as JSON, no character of it troubles a database.
        "reason": json.dumps(recorded.reason),
        "decided_at": microseconds(recorded.decided_at),
    }
    connection.execute(_KEEP, row)


def verdicts(connection: sa.Connection, tenant: str) -> dict[str, list[RecordedVerdict]]:
    """Return every verdict by failure mode id, oldest first."""
    found: dict[str, list[RecordedVerdict]] = {}
    for row in connection.execute(_ALL, {"tenant": tenant}):
        recorded = RecordedVerdict(
            failure_mode_id=row.failure_mode_id,
            proposal_id=row.proposal_id,
            base_sha=row.base_sha,
            n_traces=row.n_traces,
            verdict=Verdict(row.verdict),
            reason=json.loads(row.reason),
            decided_at=moment(row.decided_at),
        )
        found.setdefault(recorded.failure_mode_id, []).append(recorded)
    return found


def _verdict_id(recorded: RecordedVerdict) -> str:
    identity = [
        recorded.failure_mode_id,
        recorded.proposal_id,
        recorded.base_sha,
        recorded.n_traces,
        recorded.verdict.value,
        recorded.reason,
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
