"""Outcomes: what people decided about our proposals."""

import sqlalchemy as sa

from bot.outcome import Outcome
from bot.store.codec import from_json, to_json
from webhooks.searched import microseconds, searched

_KEEP = sa.text("""
    INSERT INTO outcomes (tenant, delivery_id, proposal_id, decision, decided_at, record)
    VALUES (:tenant, :delivery_id, :proposal_id, :decision, :decided_at, :record)
    ON CONFLICT (tenant, delivery_id) DO NOTHING
""")
_OF_MODE = sa.text("""
    SELECT outcomes.record FROM outcomes JOIN proposals USING (tenant, proposal_id)
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id ORDER BY decided_at, delivery_id
""")


def record_outcome(connection: sa.Connection, tenant: str, outcome: Outcome) -> bool:
    """Keep an outcome of a proposal that is kept; False when its delivery was recorded before."""
    row = {
        "tenant": tenant,
        "delivery_id": searched(outcome.delivery_id),
        "proposal_id": outcome.proposal_id,
        "decision": outcome.decision.value,
        "decided_at": microseconds(outcome.decided_at),
        "record": to_json(outcome),
    }
    return connection.execute(_KEEP, row).rowcount > 0


def outcomes_of_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> list[Outcome]:
    """Return what people decided about the proposals for a failure mode, oldest first."""
    records = connection.scalars(_OF_MODE, {"tenant": tenant, "failure_mode_id": failure_mode_id})
    return [from_json(Outcome, record) for record in records]
