"""Examples: the last failures of a failure mode that outlive their traces, so that a person still sees what it was."""

from collections.abc import Sequence

import sqlalchemy as sa

from bot.store.codec import from_json
from clustering.failure import Failure

KEPT = 5  # of each failure mode

_MODES = sa.text("""
    SELECT DISTINCT failure_mode_id FROM failures
    WHERE tenant = :tenant AND trace_id IN :trace_ids AND failure_mode_id <> ''
""").bindparams(sa.bindparam("trace_ids", expanding=True))
_KEEP = sa.text("""
    INSERT INTO examples (tenant, failure_mode_id, trace_id, span_id, occurred_at, record)
    SELECT tenant, failure_mode_id, trace_id, span_id, occurred_at, record
    FROM failures
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id AND trace_id IN :trace_ids
    ORDER BY occurred_at DESC, trace_id LIMIT :most
    ON CONFLICT DO NOTHING
""").bindparams(sa.bindparam("trace_ids", expanding=True))
_DROP_OLDEST = sa.text("""
    DELETE FROM examples WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id AND (trace_id, span_id) NOT IN (
        SELECT trace_id, span_id FROM examples WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
        ORDER BY occurred_at DESC, trace_id LIMIT :most)
""")
_ALL = sa.text("""
    SELECT record FROM examples WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
    ORDER BY occurred_at, trace_id
""")


def keep_examples(connection: sa.Connection, tenant: str, trace_ids: Sequence[str]) -> None:
    """Keep the latest failures of these traces, which are about to be deleted, for the modes that they belong to."""
    modes = connection.scalars(_MODES, {"tenant": tenant, "trace_ids": trace_ids}).all()
    for mode in modes:
        row = {"tenant": tenant, "failure_mode_id": mode, "most": KEPT}
        connection.execute(_KEEP, {**row, "trace_ids": trace_ids})
        connection.execute(_DROP_OLDEST, row)


def examples(connection: sa.Connection, tenant: str, failure_mode_id: str) -> list[Failure]:
    """Return what was kept of a failure mode's deleted failures, oldest first."""
    records = connection.scalars(_ALL, {"tenant": tenant, "failure_mode_id": failure_mode_id})
    return [from_json(Failure, record) for record in records]
