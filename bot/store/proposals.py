"""Proposals, and what happened when each was tried."""

from datetime import datetime

import sqlalchemy as sa

from bot.store.codec import from_json, to_json
from fixers.evidence import Evidence
from fixers.proposal import Proposal
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO proposals (tenant, proposal_id, failure_mode_id, created_at, record)
    VALUES (:tenant, :proposal_id, :failure_mode_id, :now, :record)
    ON CONFLICT (tenant, proposal_id) DO NOTHING
""")
_GET = sa.text("SELECT record FROM proposals WHERE tenant = :tenant AND proposal_id = :proposal_id")
_OF_MODE = sa.text("""
    SELECT record FROM proposals WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
    ORDER BY created_at, proposal_id
""")
_OF_MODE_IN_STATE = sa.text("""
    SELECT record FROM proposals WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id AND EXISTS (
        SELECT 1 FROM pull_requests WHERE pull_requests.tenant = proposals.tenant
        AND pull_requests.proposal_id = proposals.proposal_id AND pull_requests.state = :state)
    ORDER BY created_at, proposal_id
""")
_KEEP_EVIDENCE = sa.text("""
    INSERT INTO evidence (tenant, proposal_id, verdict, gathered_at, record)
    VALUES (:tenant, :proposal_id, :verdict, :now, :record)
    ON CONFLICT (tenant, proposal_id) DO UPDATE SET
        verdict = excluded.verdict, gathered_at = excluded.gathered_at, record = excluded.record
""")
_EVIDENCE = sa.text("SELECT record FROM evidence WHERE tenant = :tenant AND proposal_id = :proposal_id")


def save_proposal(connection: sa.Connection, tenant: str, proposal: Proposal, *, now: datetime) -> None:
    """Keep a proposal; the same edits for the same failure mode on the same commit are kept once."""
    row = {
        "tenant": tenant,
        "proposal_id": proposal.id,
        "failure_mode_id": proposal.failure_mode_id,
        "now": microseconds(now),
        "record": to_json(proposal),
    }
    connection.execute(_KEEP, row)


def proposal(connection: sa.Connection, tenant: str, proposal_id: str) -> Proposal | None:
    """Return a proposal, or None."""
    record = connection.scalar(_GET, {"tenant": tenant, "proposal_id": proposal_id})
    return None if record is None else from_json(Proposal, record)


def proposals_of_mode(
    connection: sa.Connection, tenant: str, failure_mode_id: str, *, state: str | None = None
) -> list[Proposal]:
    """Return the proposals for a failure mode, oldest first.

    Parameters
    ----------
    state
        Only those whose pull request is "open", "closed" or "merged"; None returns those without one too.

    """
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id}
    found = connection.scalars(_OF_MODE, row)
    if state is not None:
        found = connection.scalars(_OF_MODE_IN_STATE, {**row, "state": state})
    return [from_json(Proposal, record) for record in found]


def save_evidence(connection: sa.Connection, tenant: str, evidence: Evidence, *, now: datetime) -> None:
    """Keep the evidence of a proposal that is kept; a second trial replaces the first."""
    row = {
        "tenant": tenant,
        "proposal_id": evidence.proposal_id,
        "verdict": evidence.verdict.value,
        "now": microseconds(now),
        "record": to_json(evidence),
    }
    connection.execute(_KEEP_EVIDENCE, row)


def evidence_of(connection: sa.Connection, tenant: str, proposal_id: str) -> Evidence | None:
    """Return the evidence of a proposal, None when it was not tried."""
    record = connection.scalar(_EVIDENCE, {"tenant": tenant, "proposal_id": proposal_id})
    return None if record is None else from_json(Evidence, record)
