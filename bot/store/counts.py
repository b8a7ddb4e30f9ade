"""Counts: how much is kept, for a person who asks whether anything arrives at all."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.columns import moment

# Spans are counted from the traces: a count of millions of rows would make the doctor slow.
_COUNT = sa.text("""
    SELECT (SELECT count(*) FROM traces WHERE tenant = :tenant) AS n_traces,
           (SELECT COALESCE(sum(n_spans), 0) FROM traces WHERE tenant = :tenant) AS n_spans,
           (SELECT count(*) FROM batches WHERE tenant = :tenant) AS n_batches,
           (SELECT COALESCE(sum(n_bytes), 0) FROM batches WHERE tenant = :tenant) AS n_bytes,
           (SELECT count(*) FROM quarantine WHERE tenant = :tenant) AS n_quarantined,
           (SELECT count(*) FROM failures WHERE tenant = :tenant) AS n_failures,
           (SELECT max(last_received_at) FROM traces WHERE tenant = :tenant) AS last_received_at
""")


class Counts(NamedTuple):
    """What is kept of one tenant."""

    n_traces: int
    n_spans: int
    n_batches: int
    #: Of the bodies before compression.
    n_bytes: int
    n_quarantined: int
    n_failures: int
    #: When the last span arrived; None before the first.
    last_received_at: datetime | None


def counts(connection: sa.Connection, tenant: str) -> Counts:
    """Count what is kept of a tenant."""
    *numbers, last = connection.execute(_COUNT, {"tenant": tenant}).one()
    n_traces, n_spans, n_batches, n_bytes, n_quarantined, n_failures = map(int, numbers)
    return Counts(
        n_traces=n_traces,
        n_spans=n_spans,
        n_batches=n_batches,
        n_bytes=n_bytes,
        n_quarantined=n_quarantined,
        n_failures=n_failures,
        last_received_at=None if last is None else moment(last),
    )
