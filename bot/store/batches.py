"""Batches: what one request to the receiver brought, its spans searchable and its body kept whole."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.store.columns import chunks, compress, microseconds, searched, searched_or_none
from webhooks import semconv
from webhooks.inbox import Batch
from webhooks.trace import Span, Trace

_KEEP_BATCH = sa.text("""
    INSERT INTO batches (tenant, batch_id, dialect, body, n_bytes, received_at)
    VALUES (:tenant, :batch_id, :dialect, :body, :n_bytes, :now)
    ON CONFLICT (tenant, batch_id) DO NOTHING
""")
_DROP_BATCH = sa.text("DELETE FROM batches WHERE tenant = :tenant AND batch_id = :batch_id")
_KEEP_SPAN = sa.text("""
    INSERT INTO spans (tenant, trace_id, span_id, parent_span_id, name, operation, service, started_at, ended_at,
                       status, error_type, session_id, user_id, batch_id, position)
    VALUES (:tenant, :trace_id, :span_id, :parent_span_id, :name, :operation, :service, :started_at, :ended_at,
            :status, :error_type, :session_id, :user_id, :batch_id, :position)
    ON CONFLICT (tenant, trace_id, span_id) DO NOTHING
""")
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


def keep_batch(connection: sa.Connection, tenant: str, batch: Batch, *, now: datetime) -> int:
    """Keep a batch and return the number of spans that were new; a batch that brings none is not kept."""
    batch_id = body_id(batch.dialect, batch.body)
    if not batch.spans or not _keep_body(connection, tenant, batch_id, batch, now):
        return 0
    # In one order everywhere: two workers that bring the same spans then wait for each other, and never in a circle.
    rows = sorted(_span_rows(tenant, batch_id, batch.spans), key=lambda row: (row["trace_id"], row["span_id"]))
    connection.execute(_KEEP_SPAN, rows)
    n_new = _count_new(connection, tenant, batch_id, sorted({row["trace_id"] for row in rows}))
    if not n_new:
        connection.execute(_DROP_BATCH, {"tenant": tenant, "batch_id": batch_id})
        return 0
    connection.execute(_KEEP_TRACE, _trace_rows(tenant, batch.spans, n_new, now))
    return sum(n_new.values())


def body_id(dialect: str, body: bytes) -> str:
    """Return the identity of a request body: the same bytes read by the same parser."""
    return hashlib.sha256(dialect.encode() + b"\0" + body).hexdigest()


def _keep_body(connection: sa.Connection, tenant: str, batch_id: str, batch: Batch, now: datetime) -> bool:
    """Keep the body; False when this very request is kept already, and so are its spans."""
    row = {
        "tenant": tenant,
        "batch_id": batch_id,
        "dialect": batch.dialect,
        "body": compress(batch.body),
        "n_bytes": len(batch.body),
        "now": microseconds(now),
    }
    return connection.execute(_KEEP_BATCH, row).rowcount > 0


def _span_rows(tenant: str, batch_id: str, spans: Sequence[Span]) -> Iterable[dict[str, Any]]:
    for position, span in enumerate(spans):
        alone = Trace(trace_id=span.trace_id, spans=(span,))
        yield {
            "tenant": tenant,
            "trace_id": searched(span.trace_id),
            "span_id": searched(span.span_id),
            "parent_span_id": searched_or_none(span.parent_span_id),
            "name": searched(span.name),
            "operation": semconv.operation(span).value,
            "service": searched(semconv.service_name(span)),
            "started_at": microseconds(span.start),
            "ended_at": None if span.end is None else microseconds(span.end),
            "status": span.status.value,
            "error_type": searched_or_none(semconv.error_type(span)),
            "session_id": searched_or_none(semconv.session_id(alone)),
            "user_id": searched_or_none(semconv.user_id(alone)),
            "batch_id": batch_id,
            "position": position,
        }


def _count_new(connection: sa.Connection, tenant: str, batch_id: str, trace_ids: Sequence[str]) -> dict[str, int]:
    """Return how many spans of each trace this batch was the first to bring."""
    counts: dict[str, int] = {}
    for chunk in chunks(trace_ids):
        rows = connection.execute(_COUNT_NEW, {"tenant": tenant, "batch_id": batch_id, "trace_ids": chunk})
        counts.update((trace_id, n) for trace_id, n in rows)
    return counts


def _trace_rows(tenant: str, spans: Sequence[Span], n_new: Mapping[str, int], now: datetime) -> list[dict[str, Any]]:
    by_trace: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    traces = (Trace.from_spans(members) for members in by_trace.values())
    rows = [_trace_row(tenant, trace, now) for trace in traces]
    new = [row | {"n_new": n_new[row["trace_id"]]} for row in rows if row["trace_id"] in n_new]
    return sorted(new, key=lambda row: str(row["trace_id"]))


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
