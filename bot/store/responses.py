"""Responses: events that name a model's answer and no trace join the trace of the call that got the answer.

Such an event waits in `spans` below its answer's id, and in no row of `traces`. Which trace an answer belongs to is
known once the trace was examined. Whichever of the two comes first, the next joining brings them together.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.batches import received_at
from webhooks.searched import microseconds, searched
from webhooks.semconv import response_id
from webhooks.trace import RESPONSE, SIGNAL, Trace

_KEEP = sa.text("""
    INSERT INTO responses (tenant, response_id, trace_id) VALUES (:tenant, :response_id, :trace_id)
    ON CONFLICT (tenant, response_id) DO NOTHING
""")
_FOUND = sa.text("""
    SELECT DISTINCT spans.trace_id AS response_id, responses.trace_id
    FROM spans JOIN responses ON responses.tenant = spans.tenant AND responses.response_id = spans.trace_id
    WHERE spans.tenant = :tenant AND substr(spans.trace_id, 1, 9) = 'response:'
    ORDER BY spans.trace_id
""")
_MOVE = sa.text("""
    UPDATE spans SET trace_id = :trace_id
    WHERE tenant = :tenant AND trace_id = :response_id AND span_id NOT IN
        (SELECT span_id FROM spans WHERE tenant = :tenant AND trace_id = :trace_id)
""")
_EARLIEST = sa.text("SELECT min(batch) FROM spans WHERE tenant = :tenant AND trace_id = :response_id")
_DROP_REPEATED = sa.text("DELETE FROM spans WHERE tenant = :tenant AND trace_id = :response_id")
# The event counts as a span of the trace, which so waits to be examined again. It may have come before the trace; its
# body must not be taken for one that no trace needs.
_REOPEN = sa.text("""
    UPDATE traces SET n_spans = n_spans + :n_moved, last_received_at = :now,
                      first_received_at = CASE WHEN first_received_at > :came THEN :came ELSE first_received_at END
    WHERE tenant = :tenant AND trace_id = :trace_id
""")
_SIGNALS = sa.text("""
    SELECT trace_id, name FROM spans WHERE tenant = :tenant AND substr(trace_id, 1, 7) = 'signal:'
    ORDER BY started_at, span_id
""")
_COUNT_WAITING = sa.text("""
    SELECT count(*) FROM spans WHERE tenant = :tenant AND substr(trace_id, 1, 9) = 'response:'
""")


class Told(NamedTuple):
    """What one source told about no trace."""

    source: str
    n: int
    latest: str


def signals(connection: sa.Connection, tenant: str) -> list[Told]:
    """Return what each source told about no trace, and the latest of it."""
    rows = connection.execute(_SIGNALS, {"tenant": tenant}).all()
    by_source = {source: [row.name for row in rows if row.trace_id == source] for source in {r.trace_id for r in rows}}
    return [Told(key.removeprefix(SIGNAL), len(names), names[-1]) for key, names in sorted(by_source.items())]


def keep_responses(connection: sa.Connection, tenant: str, trace: Trace) -> None:
    """Remember which answers the model calls of a kept trace got."""
    found = {searched(RESPONSE + answer) for span in trace.spans if (answer := response_id(span))}
    trace_id = searched(trace.trace_id)
    rows = [{"tenant": tenant, "response_id": answer, "trace_id": trace_id} for answer in sorted(found)]
    if rows:
        connection.execute(_KEEP, rows)


def join_responses(connection: sa.Connection, tenant: str, *, now: datetime) -> int:
    """Bring the waiting events whose trace is known into it; return how many those were."""
    joined = 0
    for answer, trace_id in connection.execute(_FOUND, {"tenant": tenant}).all():
        place = {"tenant": tenant, "response_id": answer, "trace_id": trace_id}
        came = received_at(connection.scalar(_EARLIEST, place))
        n_moved = connection.execute(_MOVE, place).rowcount
        connection.execute(_DROP_REPEATED, {"tenant": tenant, "response_id": answer})
        reopened = {**place, "n_moved": n_moved, "now": microseconds(now), "came": came}
        connection.execute(_REOPEN, reopened)
        joined += n_moved
    return joined


def count_waiting(connection: sa.Connection, tenant: str) -> int:
    """Count the events whose model call has not come."""
    return int(connection.scalar(_COUNT_WAITING, {"tenant": tenant}) or 0)
