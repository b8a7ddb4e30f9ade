"""Batches: what one request to the receiver brought, its spans searchable and its body kept whole.

The sender waits, so nothing here is built twice: each span is one tuple from the receiver to the driver, and a group of
batches is written with a handful of statements.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any

import sqlalchemy as sa

from bot.store.columns import chunks, compress
from webhooks.inbox import Batch
from webhooks.searched import Searched, TraceRow, microseconds

# How many batches may come in one microsecond before they count as of the next.
NUMBERS_PER_MICROSECOND = 4096

_KEEP_BATCH = sa.text("""
    INSERT INTO batches (tenant, batch, dialect, body, n_bytes) VALUES (:tenant, :batch, :dialect, :body, :n_bytes)
    ON CONFLICT DO NOTHING
""")
_HIGHEST = sa.text("SELECT max(batch) FROM batches WHERE batch BETWEEN :first AND :last")
_DROP_BATCH = sa.text("DELETE FROM batches WHERE tenant = :tenant AND batch = :batch")
# Tuples straight to the driver: building a dictionary a span and taking it apart again costs as much as the insert.
KEEP_SPANS = {
    "sqlite": """
        INSERT INTO spans (tenant, trace_id, span_id, parent_span_id, name, operation, service, started_at, ended_at,
                           status, error_type, session_id, user_id, batch, position)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (tenant, trace_id, span_id) DO NOTHING
    """,
    "postgresql": """
        INSERT INTO spans (tenant, trace_id, span_id, parent_span_id, name, operation, service, started_at, ended_at,
                           status, error_type, session_id, user_id, batch, position)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                             %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
                             %s::integer[])
        ON CONFLICT (tenant, trace_id, span_id) DO NOTHING
    """,
}
_COUNT_NEW = sa.text("""
    SELECT trace_id, count(*) AS n FROM spans
    WHERE tenant = :tenant AND trace_id IN :trace_ids AND batch = :batch GROUP BY trace_id
""").bindparams(sa.bindparam("trace_ids", expanding=True))
# Each batch adds the spans that it was the first to bring, so that two workers that share a trace count right.
KEEP_TRACE = sa.text("""
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
_TENANT, TRACE_ID, _SPAN_ID = range(3)
KEY = itemgetter(_TENANT, TRACE_ID, _SPAN_ID)

#: The columns of `spans`, in the order of KEEP_SPANS: the tenant, those of a SpanRow, the batch and the position.
KeptSpan = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch ready to be written, made before the transaction so that no other sender waits for it."""

    tenant: str
    #: Microseconds since 1970.
    received_at: int
    #: Row of `batches`, but for its number.
    body: Mapping[str, Any]
    rows: Searched


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A batch whose body is written."""

    tenant: str
    number: int
    received_at: int
    rows: Searched

    @property
    def place(self) -> dict[str, Any]:
        """Where it is in `batches`."""
        return {"tenant": self.tenant, "batch": self.number}


def prepare(tenant: str, batch: Batch, *, now: datetime) -> Prepared:
    """Return what will be written of a batch."""
    body = {"tenant": tenant, "dialect": batch.dialect, "body": _packed(batch), "n_bytes": len(batch.body)}
    return Prepared(tenant=tenant, received_at=microseconds(now), body=body, rows=batch.rows)


def keep_batches(connection: sa.Connection, batches: Iterable[Prepared]) -> int:
    """Keep batches and return the number of spans that were new; a batch that brings none is not kept."""
    ordered = sorted(batches, key=attrgetter("tenant", "received_at"))  # as every worker does; see write_spans
    numbered = [_keep_body(connection, batch) for batch in ordered if batch.rows.spans]
    n_kept = write_spans(connection, [row for batch in numbered for row in kept_spans(batch)])
    n_sent = sum(len(batch.rows.spans) for batch in numbered)
    traces: list[dict[str, Any]] = []
    for batch in numbered:
        n_new = _count_all(batch) if n_kept == n_sent else _count_new(connection, batch)
        if not n_new:
            connection.execute(_DROP_BATCH, batch.place)
        traces += [kept_trace(batch, row, n_new[row.trace_id]) for row in batch.rows.traces if row.trace_id in n_new]
    if traces:
        _keep_traces(connection, sorted(traces, key=itemgetter("tenant", "trace_id")))
    return n_kept


def _keep_traces(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    # SQLite's driver takes the names as they stand: SQLAlchemy would go through every value of every row first.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(KEEP_TRACE.text, rows)
    else:
        connection.execute(KEEP_TRACE, rows)


def received_at(number: int) -> int:
    """Return when the batch of this number came, in microseconds since 1970."""
    return number // NUMBERS_PER_MICROSECOND


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


def _keep_body(connection: sa.Connection, batch: Prepared) -> Numbered:
    """Keep the body under the number after the highest of its moment."""
    number = batch.received_at * NUMBERS_PER_MICROSECOND
    while not connection.execute(_KEEP_BATCH, {**batch.body, "batch": number}).rowcount:
        number = _highest(connection, number) + 1
    return Numbered(tenant=batch.tenant, number=number, received_at=batch.received_at, rows=batch.rows)


def _highest(connection: sa.Connection, taken: int) -> int:
    """Return the highest number in the microsecond of one that is taken: asked once, not found by trying each."""
    last = (received_at(taken) + 1) * NUMBERS_PER_MICROSECOND - 1
    highest = connection.scalar(_HIGHEST, {"first": taken, "last": last})
    return taken if highest is None else int(highest)


def kept_spans(batch: Numbered) -> Iterator[KeptSpan]:
    """Return the rows of `spans`."""
    tenant, number = batch.tenant, batch.number
    return ((tenant, *row, number, position) for position, row in enumerate(batch.rows.spans))


def kept_trace(batch: Numbered, row: TraceRow, n_new: int) -> dict[str, Any]:
    """Return a row of `traces`, to be added to what other batches brought."""
    ended = {"root_ended": int(row.root_ended)}
    return {"tenant": batch.tenant, **row._asdict(), **ended, "n_new": n_new, "now": batch.received_at}


def write_spans(connection: sa.Connection, rows: list[KeptSpan], statements: Mapping[str, str] = KEEP_SPANS) -> int:
    """Keep the spans that are not kept yet and return how many those were."""
    if not rows:
        return 0
    # In one order everywhere: two workers that bring the same spans then wait for each other, and never in a circle.
    rows.sort(key=KEY)
    statement = statements[connection.dialect.name]
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql(statement, rows).rowcount
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return connection.exec_driver_sql(statement, columns).rowcount


def _count_all(batch: Numbered) -> Mapping[str, int]:
    """Return how many spans of each trace a batch brought."""
    return Counter(map(attrgetter("trace_id"), batch.rows.spans))


def _count_new(connection: sa.Connection, batch: Numbered) -> Mapping[str, int]:
    """Return how many spans of each trace a batch was the first to bring."""
    counts: dict[str, int] = {}
    for chunk in chunks(sorted({row.trace_id for row in batch.rows.spans})):
        found = connection.execute(_COUNT_NEW, {**batch.place, "trace_ids": chunk})
        counts.update((trace_id, n) for trace_id, n in found)
    return counts
