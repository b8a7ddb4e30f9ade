"""Batches: what one request to the receiver brought, its spans searchable and its body kept whole.

The sender waits, so nothing here is built twice: each span becomes one tuple, and a group of batches is written with a
handful of statements.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from bot.store.columns import chunks, compress, microseconds, searched, searched_or_none
from webhooks import attribute_keys, semconv
from webhooks.attributes import first_text
from webhooks.inbox import Batch
from webhooks.trace import RESPONSE, SIGNAL, Span, Trace

_KEEP_BATCH = sa.text("""
    INSERT INTO batches (tenant, batch_id, dialect, body, n_bytes, received_at)
    VALUES (:tenant, :batch_id, :dialect, :body, :n_bytes, :now)
    ON CONFLICT (tenant, batch_id) DO NOTHING
""")
_DROP_BATCH = sa.text("DELETE FROM batches WHERE tenant = :tenant AND batch_id = :batch_id")
# Tuples straight to the driver: building a dictionary a span and taking it apart again costs as much as the insert.
_KEEP_SPANS = {
    "sqlite": """
        INSERT INTO spans (tenant, trace_id, span_id, parent_span_id, name, operation, service, started_at, ended_at,
                           status, error_type, session_id, user_id, batch_id, position)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant, trace_id, span_id) DO NOTHING
    """,
    "postgresql": """
        INSERT INTO spans (tenant, trace_id, span_id, parent_span_id, name, operation, service, started_at, ended_at,
                           status, error_type, session_id, user_id, batch_id, position)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                             %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                             %s::integer[])
        ON CONFLICT (tenant, trace_id, span_id) DO NOTHING
    """,
}
_COUNT_NEW = sa.text("""
    SELECT trace_id, count(*) AS n FROM spans
    WHERE tenant = :tenant AND trace_id IN :trace_ids AND batch_id = :batch_id GROUP BY trace_id
""").bindparams(sa.bindparam("trace_ids", expanding=True))
# Each batch adds the spans that it was the first to bring, so that two workers that share a trace count right.
_KEEP_TRACE = sa.text("""
    INSERT INTO traces (tenant, trace_id, service, session_id, user_id, release, started_at, first_received_at,
                        last_received_at, n_spans, root_ended, examined_n_spans)
    VALUES (:tenant, :trace_id, :service, :session_id, :user_id, :release, :started_at, :now, :now, :n_new,
            :root_ended, 0)
    ON CONFLICT (tenant, trace_id) DO UPDATE SET
        service = CASE WHEN excluded.root_ended = 1 OR traces.service = '' THEN excluded.service
                       ELSE traces.service END,
        session_id = COALESCE(traces.session_id, excluded.session_id),
        user_id = COALESCE(traces.user_id, excluded.user_id),
        release = COALESCE(traces.release, excluded.release),
        started_at = CASE WHEN excluded.started_at < traces.started_at THEN excluded.started_at
                          ELSE traces.started_at END,
        last_received_at = CASE WHEN excluded.last_received_at > traces.last_received_at
                                THEN excluded.last_received_at ELSE traces.last_received_at END,
        n_spans = traces.n_spans + excluded.n_spans,
        root_ended = CASE WHEN excluded.root_ended = 1 THEN 1 ELSE traces.root_ended END
""")
_TENANT, _TRACE_ID, _SPAN_ID = range(3)

#: The columns of `spans`, in the order of _KEEP_SPANS.
SpanRow = tuple[
    str, str, str, str | None, str, str, str, int, int | None, str, str | None, str | None, str | None, str, int
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch as rows, made before the transaction so that no other sender waits for it."""

    tenant: str
    #: Row of `batches`.
    batch: Mapping[str, Any]
    spans: Sequence[SpanRow]
    #: Rows of `traces`, but for the number of new spans.
    traces: Sequence[Mapping[str, Any]]


def prepare(tenant: str, batch: Batch, *, now: datetime) -> Prepared:
    """Return what will be written of a batch."""
    batch_id = body_id(batch.dialect, batch.body)
    row = {
        "tenant": tenant,
        "batch_id": batch_id,
        "dialect": batch.dialect,
        "body": _packed(batch),
        "n_bytes": len(batch.body),
        "now": microseconds(now),
    }
    spans = [_span_row(tenant, batch_id, position, span) for position, span in enumerate(batch.spans)]
    return Prepared(tenant=tenant, batch=row, spans=spans, traces=list(_trace_rows(tenant, batch.spans, now)))


def keep_batches(connection: sa.Connection, batches: Iterable[Prepared]) -> int:
    """Keep batches and return the number of spans that were new; a batch that brings none is not kept."""
    kept = [batch for batch in batches if batch.spans and _keep_body(connection, batch)]
    n_kept = _keep_spans(connection, [row for batch in kept for row in batch.spans])
    n_sent = sum(len(batch.spans) for batch in kept)
    traces: list[dict[str, Any]] = []
    for batch in kept:
        n_new = _count_all(batch) if n_kept == n_sent else _count_new(connection, batch)
        if not n_new:
            connection.execute(_DROP_BATCH, {name: batch.batch[name] for name in ("tenant", "batch_id")})
        traces += [{**row, "n_new": n_new[row["trace_id"]]} for row in batch.traces if row["trace_id"] in n_new]
    if traces:
        connection.execute(_KEEP_TRACE, sorted(traces, key=itemgetter("tenant", "trace_id")))
    return n_kept


def body_id(dialect: str, body: bytes) -> str:
    """Return the identity of a request body: the same bytes read by the same parser."""
    digest = hashlib.sha256(dialect.encode() + b"\0")
    digest.update(body)
    return digest.hexdigest()


def _packed(batch: Batch) -> bytes:
    """Return the body compressed: as the sender did it, where that made it smaller."""
    if batch.gzipped is not None and len(batch.gzipped) < len(batch.body):
        return batch.gzipped
    return compress(batch.body)


def _keep_body(connection: sa.Connection, batch: Prepared) -> bool:
    """Keep the body; False when this very request is kept already, and so are its spans."""
    return connection.execute(_KEEP_BATCH, batch.batch).rowcount > 0


def _keep_spans(connection: sa.Connection, rows: list[SpanRow]) -> int:
    """Keep the spans that are not kept yet and return how many those were."""
    if not rows:
        return 0
    # In one order everywhere: two workers that bring the same spans then wait for each other, and never in a circle.
    rows.sort(key=itemgetter(_TENANT, _TRACE_ID, _SPAN_ID))
    statement = _KEEP_SPANS[connection.dialect.name]
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql(statement, rows).rowcount
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return connection.exec_driver_sql(statement, columns).rowcount


def _count_all(batch: Prepared) -> Mapping[str, int]:
    """Return how many spans of each trace a batch brought."""
    return Counter(map(itemgetter(_TRACE_ID), batch.spans))


def _count_new(connection: sa.Connection, batch: Prepared) -> Mapping[str, int]:
    """Return how many spans of each trace a batch was the first to bring."""
    counts: dict[str, int] = {}
    place = {name: batch.batch[name] for name in ("tenant", "batch_id")}
    for chunk in chunks(sorted({trace_id for _, trace_id, *_ in batch.spans})):
        counts.update((trace_id, n) for trace_id, n in connection.execute(_COUNT_NEW, {**place, "trace_ids": chunk}))
    return counts


def _span_row(tenant: str, batch_id: str, position: int, span: Span) -> SpanRow:
    attributes = span.attributes
    return (
        tenant,
        searched(span.trace_id),
        searched(span.span_id),
        searched_or_none(span.parent_span_id),
        searched(span.name),
        semconv.operation(span).value,
        searched(semconv.service_name(span)),
        microseconds(span.start),
        None if span.end is None else microseconds(span.end),
        span.status.value,
        searched_or_none(semconv.error_type(span)),
        searched_or_none(first_text(attributes, attribute_keys.SESSION_KEYS)),
        searched_or_none(first_text(attributes, attribute_keys.USER_KEYS)),
        batch_id,
        position,
    )


def _trace_rows(tenant: str, spans: Sequence[Span], now: datetime) -> Iterator[dict[str, Any]]:
    by_trace: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    return (
        _trace_row(tenant, Trace.from_spans(members), now)
        for trace_id, members in by_trace.items()
        if not trace_id.startswith((RESPONSE, SIGNAL))  # these belong to no trace, or none yet: see responses.py
    )


def _trace_row(tenant: str, trace: Trace, now: datetime) -> dict[str, Any]:
    ended = any(span.parent_span_id is None and span.end is not None for span in trace.spans)
    return {
        "tenant": tenant,
        "trace_id": searched(trace.trace_id),
        "service": searched(semconv.service_name(trace)),
        "session_id": searched_or_none(semconv.session_id(trace)),
        "user_id": searched_or_none(semconv.user_id(trace)),
        "release": searched_or_none(semconv.release(trace)),
        "started_at": microseconds(trace.spans[0].start),
        "root_ended": int(ended),
        "now": microseconds(now),
    }
