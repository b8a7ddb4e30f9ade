"""Traces: which wait to be examined, which were healthy, and all of their spans again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from bot.errors import UnreadableBatch
from bot.store.columns import chunks, decompress
from clustering.score import Traffic
from webhooks.errors import WebhookError
from webhooks.searched import microseconds, searched
from webhooks.trace import Span, Trace

#: Reads a body of a dialect into its spans, in the order in which they were kept.
Decode = Callable[[str, bytes], Sequence[Span]]

_SERVICES = sa.text("""
    SELECT service FROM traces WHERE tenant = :tenant AND service <> ''
    GROUP BY service ORDER BY count(*) DESC, service LIMIT 50
""")
_TO_EXAMINE = sa.text("""
    SELECT trace_id FROM traces
    WHERE tenant = :tenant AND examined_n_spans < n_spans AND (root_ended = 1 OR last_received_at <= :quiet_since)
    ORDER BY last_received_at, trace_id LIMIT :limit
""")
_MARK_EXAMINED = sa.text("""
    UPDATE traces SET examined_at = :now, examined_n_spans = :n_spans WHERE tenant = :tenant AND trace_id = :trace_id
""")
_PLACES = sa.text("""
    SELECT batch, position, trace_id, span_id FROM spans WHERE tenant = :tenant AND trace_id IN :trace_ids
    ORDER BY batch, position
""").bindparams(sa.bindparam("trace_ids", expanding=True))
_BODY = sa.text("SELECT dialect, body FROM batches WHERE tenant = :tenant AND batch = :batch")
_HEALTHY = sa.text("""
    SELECT trace_id FROM traces
    WHERE tenant = :tenant AND service = :service AND examined_n_spans = n_spans
      AND NOT EXISTS (SELECT 1 FROM failures
                      WHERE failures.tenant = traces.tenant AND failures.trace_id = traces.trace_id)
    ORDER BY started_at DESC, trace_id LIMIT :limit
""")
_TRAFFIC_OF_ALL = sa.text("""
    SELECT count(*), count(DISTINCT session_id), count(DISTINCT user_id) FROM traces WHERE tenant = :tenant
""")
_TRAFFIC = sa.text("""
    SELECT service, count(*), count(DISTINCT session_id), count(DISTINCT user_id) FROM traces
    WHERE tenant = :tenant AND started_at >= :since GROUP BY service ORDER BY service
""")


class _Place(NamedTuple):
    position: int
    trace_id: str
    span_id: str


def traces_to_examine(
    connection: sa.Connection, tenant: str, *, now: datetime, quiet_s: float, limit: int = 1_000
) -> list[str]:
    """Return the complete traces with spans that nobody has looked at, the longest waiting first.

    A trace is complete when its root has ended, or when no span of it came for `quiet_s` seconds. Spans that come
    after it was examined open it again.
    """
    quiet_since = microseconds(now - timedelta(seconds=quiet_s))
    return list(connection.scalars(_TO_EXAMINE, {"tenant": tenant, "quiet_since": quiet_since, "limit": limit}))


def mark_examined(connection: sa.Connection, tenant: str, trace: Trace, *, now: datetime) -> bool:
    """Note that a trace was examined, with the records that it holds and no others; False when it is deleted by now."""
    row = {"tenant": tenant, "trace_id": searched(trace.trace_id), "n_spans": trace.n_records}
    return connection.execute(_MARK_EXAMINED, {**row, "now": microseconds(now)}).rowcount > 0


def load_traces(
    connection: sa.Connection, tenant: str, trace_ids: Iterable[str], *, decode: Decode
) -> dict[str, Trace]:
    """Decode the spans of these traces from the kept bodies, each body once; unknown ids are left out.

    Raises
    ------
    UnreadableBatch
        A body no longer decodes to the spans that were read from it.

    """
    wanted = sorted({searched(trace_id) for trace_id in trace_ids})
    spans: dict[str, list[Span]] = defaultdict(list)
    for batch, places in _places(connection, tenant, wanted).items():
        for place, span in _read_batch(connection, tenant, batch, places, decode):
            spans[place.trace_id].append(span)
    return {trace_id: Trace.from_spans(spans[trace_id]) for trace_id in wanted if trace_id in spans}


def healthy_traces(connection: sa.Connection, tenant: str, *, service: str, limit: int) -> list[str]:
    """Return examined traces of a service without a failure, newest first."""
    return list(connection.scalars(_HEALTHY, {"tenant": tenant, "service": service, "limit": limit}))


def traffic(connection: sa.Connection, tenant: str, *, since: datetime) -> dict[str, Traffic]:
    """Return how many traces, sessions and users each service had in traces that started at `since` or later."""
    rows = connection.execute(_TRAFFIC, {"tenant": tenant, "since": microseconds(since)})
    return {service: _as_traffic(counts) for service, *counts in rows}


def traffic_of_all(connection: sa.Connection, tenant: str) -> Traffic:
    """Return how many traces, sessions and users were ever seen, whatever the service."""
    return _as_traffic(connection.execute(_TRAFFIC_OF_ALL, {"tenant": tenant}).one())


def _as_traffic(counts: Sequence[int]) -> Traffic:
    n_traces, n_sessions, n_users = counts
    return Traffic(n_traces=n_traces, n_sessions=n_sessions, n_users=n_users)


def _places(connection: sa.Connection, tenant: str, trace_ids: Sequence[str]) -> dict[int, list[_Place]]:
    """Return where the spans of these traces are, by batch."""
    found: dict[int, list[_Place]] = defaultdict(list)
    for chunk in chunks(trace_ids):
        for batch, *place in connection.execute(_PLACES, {"tenant": tenant, "trace_ids": chunk}):
            found[batch].append(_Place(*place))
    return found


def _read_batch(
    connection: sa.Connection, tenant: str, batch: int, places: Sequence[_Place], decode: Decode
) -> list[tuple[_Place, Span]]:
    found = connection.execute(_BODY, {"tenant": tenant, "batch": batch}).one_or_none()
    if found is None:
        raise UnreadableBatch(f"batch {batch} of tenant {tenant!r} is gone")
    dialect, body = found
    try:
        spans = decode(dialect, decompress(body))
    except WebhookError as error:
        raise UnreadableBatch(f"batch {batch} of tenant {tenant!r} ({dialect}): {error}") from error
    return [(place, _span_at(spans, place, batch)) for place in places]


def _span_at(spans: Sequence[Span], place: _Place, batch: int) -> Span:
    """Return the span that was read from this place, after a check that it is still the one found there."""
    span = spans[place.position] if place.position < len(spans) else None
    if span is None or searched(span.span_id) != place.span_id:
        raise UnreadableBatch(f"batch {batch} has no span {place.span_id} at position {place.position} any more")
    return span


def services(connection: sa.Connection, tenant: str) -> list[str]:
    """Return the service names of a tenant's traces, the busiest first."""
    return list(connection.scalars(_SERVICES, {"tenant": tenant}))
