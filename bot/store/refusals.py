"""Refusals: pull requests that were closed without a merge, and why."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.outcome import Decision, Outcome, Reason
from bot.refusal import Refusal
from bot.store.codec import from_json, to_json
from bot.store.columns import moment
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO refusals (tenant, proposal_id, failure_mode_id, base_sha, n_sessions, refused_at, reason)
    VALUES (:tenant, :proposal_id, :failure_mode_id, :base_sha, :n_sessions, :refused_at, :reason)
    ON CONFLICT (tenant, proposal_id) DO NOTHING
""")
_ALL = sa.text("SELECT * FROM refusals WHERE tenant = :tenant ORDER BY refused_at, proposal_id")
_GIVE = sa.text("UPDATE refusals SET reason = :reason WHERE tenant = :tenant AND proposal_id = :proposal_id")
_ASK = sa.text("""
    UPDATE refusals SET asked_again_at = :now WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_DROP = sa.text("DELETE FROM refusals WHERE tenant = :tenant AND proposal_id = :proposal_id")
_OUTCOMES = sa.text("""
    SELECT delivery_id, record FROM outcomes
    WHERE tenant = :tenant AND proposal_id = :proposal_id AND decision = :decision
""")
_REWRITE = sa.text("UPDATE outcomes SET record = :record WHERE tenant = :tenant AND delivery_id = :delivery_id")


def keep_refusal(connection: sa.Connection, tenant: str, refusal: Refusal) -> None:
    """Keep what was known when a proposal was refused; a second time changes nothing."""
    row = {
        "tenant": tenant,
        "proposal_id": refusal.proposal_id,
        "failure_mode_id": refusal.failure_mode_id,
        "base_sha": refusal.base_sha,
        "n_sessions": refusal.n_sessions,
        "refused_at": microseconds(refusal.refused_at),
        "reason": refusal.reason,
    }
    connection.execute(_KEEP, row)


def refusals(connection: sa.Connection, tenant: str) -> list[Refusal]:
    """Return every refusal, oldest first."""
    return [_refusal(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def give_reason(  # as kept
    connection: sa.Connection, tenant: str, proposal_id: str, reason: Reason, words: str, *, by: str, comment: str
) -> None:
    """Note why a proposal was refused, with the refusal and with its outcomes; words that are empty change none."""
    key = {"tenant": tenant, "proposal_id": proposal_id}
    connection.execute(_GIVE, {**key, "reason": reason})
    for row in connection.execute(_OUTCOMES, {**key, "decision": Decision.REFUSED}).all():
        outcome = from_json(Outcome, row.record)
        told = replace(outcome, reason=reason, words=words or outcome.words, said_by=by, comment=comment)
        rewritten = {"tenant": tenant, "delivery_id": row.delivery_id, "record": to_json(told)}
        connection.execute(_REWRITE, rewritten)


def ask_again(connection: sa.Connection, tenant: str, failure_mode_id: str, *, now: datetime) -> None:
    """Note that a person wants another attempt on a failure mode."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "now": microseconds(now)}
    connection.execute(_ASK, row)


def forget_refusal(connection: sa.Connection, tenant: str, proposal_id: str) -> None:
    """Forget that a proposal was refused: its pull request is open again. What was decided stays an outcome."""
    connection.execute(_DROP, {"tenant": tenant, "proposal_id": proposal_id})


def _refusal(row: sa.Row[Any]) -> Refusal:
    asked = row.asked_again_at
    return Refusal(
        proposal_id=row.proposal_id,
        failure_mode_id=row.failure_mode_id,
        base_sha=row.base_sha,
        n_sessions=row.n_sessions,
        refused_at=moment(row.refused_at),
        reason=None if row.reason is None else Reason(row.reason),
        asked_again_at=None if asked is None else moment(asked),
    )
