"""Reindex: the rows that spans and traces are searched by, read again from the bodies that are kept.

One batch at a time, oldest first, each in a transaction of its own that also notes how far it came: memory stays flat,
the receiver goes on, and what was interrupted is gone on with.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.batches import (
    KEEP_SPANS,
    KEEP_TRACE,
    KEY,
    TRACE_ID,
    KeptSpan,
    Numbered,
    kept_spans,
    kept_trace,
    received_at,
    write_spans,
)
from bot.store.columns import chunks, decompress
from bot.store.traces import Decode
from bot.store.transaction import writing
from webhooks.errors import WebhookError
from webhooks.searched import Searched, rows_of

#: Told how many batches are read and how many there are.
Progress = Callable[[int, int], None]

_LAST = sa.text("SELECT max(batch) FROM batches WHERE tenant = :tenant")
_COUNT = sa.text("""
    SELECT count(*) FROM batches WHERE tenant = :tenant AND batch > :after AND batch <= :last
""")
_NEXT = sa.text("""
    SELECT batch, dialect, body FROM batches WHERE tenant = :tenant AND batch > :after AND batch <= :last
    ORDER BY batch LIMIT 1
""")
_IS_THERE = sa.text("SELECT count(*) FROM batches WHERE tenant = :tenant AND batch = :batch")
_PLACE = sa.text("SELECT batch, last FROM reindexing WHERE tenant = :tenant")
_NOTE_PLACE = sa.text("""
    INSERT INTO reindexing (tenant, batch, last) VALUES (:tenant, :batch, :last)
    ON CONFLICT (tenant) DO UPDATE SET batch = excluded.batch
""")
_FORGET_PLACE = sa.text("DELETE FROM reindexing WHERE tenant = :tenant")
# A span that came in several batches stays that of the batch which has it.
_REPLACE = """
    DO UPDATE SET parent_span_id = excluded.parent_span_id, name = excluded.name, operation = excluded.operation,
                  service = excluded.service, started_at = excluded.started_at, ended_at = excluded.ended_at,
                  status = excluded.status, error_type = excluded.error_type, session_id = excluded.session_id,
                  user_id = excluded.user_id, position = excluded.position
    WHERE spans.batch = excluded.batch
"""
_REPLACE_SPANS = {name: statement.replace("DO NOTHING", _REPLACE) for name, statement in KEEP_SPANS.items()}
_PRUNED = sa.text("SELECT before FROM pruned WHERE tenant = :tenant")
_KNOWN = sa.text("SELECT trace_id FROM traces WHERE tenant = :tenant AND trace_id IN :trace_ids").bindparams(
    sa.bindparam("trace_ids", expanding=True)
)
_FIRST_BATCHES = sa.text("""
    SELECT trace_id, min(batch) FROM spans WHERE tenant = :tenant AND trace_id IN :trace_ids GROUP BY trace_id
""").bindparams(sa.bindparam("trace_ids", expanding=True))
# What a trace's first batch says takes the place of what was there; what its later batches say is added to that.
_BEGIN_TRACE = sa.text("""
    UPDATE traces SET service = :service, session_id = :session_id, user_id = :user_id, release = :release,
                      started_at = :started_at, first_received_at = :now, last_received_at = :now,
                      root_ended = :root_ended
    WHERE tenant = :tenant AND trace_id = :trace_id
""")
_COUNT_SPANS = sa.text("""
    UPDATE traces SET n_spans = (SELECT count(*) FROM spans
                                 WHERE spans.tenant = traces.tenant AND spans.trace_id = traces.trace_id)
    WHERE tenant = :tenant AND trace_id = :trace_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindexed:
    """What was read again."""

    n_batches: int
    #: Numbers of the batches that no longer decode, and why; their rows are as they were.
    unreadable: Mapping[int, str]


def reindex(engine: sa.Engine, tenant: str, *, decode: Decode, on_progress: Progress) -> Reindexed:
    """Rebuild the rows of a tenant's spans and traces; what comes meanwhile is right already."""
    after, last = _place(engine, tenant)
    with engine.connect() as connection:
        total = int(connection.scalar(_COUNT, {"tenant": tenant, "after": after, "last": last}) or 0)
    unreadable: dict[int, str] = {}
    done = 0
    for number, dialect, body in _bodies(engine, tenant, after, last):
        try:
            rows = rows_of(decode(dialect, decompress(body)))
        except WebhookError as error:
            unreadable[number] = str(error)
            rows = Searched()
        with writing(engine) as connection:
            _replace(connection, Numbered(tenant=tenant, number=number, received_at=received_at(number), rows=rows))
            connection.execute(_NOTE_PLACE, {"tenant": tenant, "batch": number, "last": last})
        done += 1
        on_progress(done, total)
    with writing(engine) as connection:
        connection.execute(_FORGET_PLACE, {"tenant": tenant})
    return Reindexed(n_batches=done, unreadable=unreadable)


def _place(engine: sa.Engine, tenant: str) -> tuple[int, int]:
    """Return the batch that an interrupted run came to, and the last that it was to read."""
    with engine.connect() as connection:
        if found := connection.execute(_PLACE, {"tenant": tenant}).one_or_none():
            return found.batch, found.last
        return -1, int(connection.scalar(_LAST, {"tenant": tenant}) or -1)


def _bodies(engine: sa.Engine, tenant: str, after: int, last: int) -> Iterator[tuple[int, str, bytes]]:
    while True:
        with engine.connect() as connection:
            found = connection.execute(_NEXT, {"tenant": tenant, "after": after, "last": last}).one_or_none()
        if found is None:
            return
        after = found.batch
        yield found.batch, found.dialect, found.body


def _replace(connection: sa.Connection, batch: Numbered) -> None:
    if not connection.scalar(_IS_THERE, batch.place):  # deleted meanwhile, and its spans with it
        return
    deleted = _deleted(connection, batch)
    spans = (row for row in kept_spans(batch) if row[TRACE_ID] not in deleted)
    write_spans(connection, _each_once(spans), _REPLACE_SPANS)
    first = _first_batches(connection, batch)
    kept = (row for row in batch.rows.traces if row.trace_id not in deleted)
    traces = sorted((kept_trace(batch, row, 0) for row in kept), key=_trace_id)
    if traces:
        # Also takes the rows' locks: the receiver that adds to a trace has now either been counted, or waits.
        connection.execute(KEEP_TRACE, traces)
        if begun := [row for row in traces if first.get(row["trace_id"]) == batch.number]:
            connection.execute(_BEGIN_TRACE, begun)
        connection.execute(_COUNT_SPANS, [{name: row[name] for name in ("tenant", "trace_id")} for row in traces])


def _deleted(connection: sa.Connection, batch: Numbered) -> set[str]:
    """Return what a body that outlived its time holds of traces that were deleted."""
    if batch.received_at >= (connection.scalar(_PRUNED, {"tenant": batch.tenant}) or 0):
        return set()
    found = {row.trace_id for row in batch.rows.spans}
    for chunk in chunks(sorted(found)):
        found -= set(connection.scalars(_KNOWN, {"tenant": batch.tenant, "trace_ids": chunk}))
    return found


def _each_once(rows: Iterable[KeptSpan]) -> list[KeptSpan]:
    """Return the rows without repeated spans; the first counts, as when they came."""
    found: dict[object, KeptSpan] = {}
    for row in rows:
        found.setdefault(KEY(row), row)
    return list(found.values())


def _first_batches(connection: sa.Connection, batch: Numbered) -> dict[str, int]:
    """Return the first batch of each of the traces."""
    found: dict[str, int] = {}
    for chunk in chunks(sorted({row.trace_id for row in batch.rows.traces})):
        rows = connection.execute(_FIRST_BATCHES, {"tenant": batch.tenant, "trace_ids": chunk})
        found.update((trace_id, number) for trace_id, number in rows)
    return found


def _trace_id(row: Mapping[str, Any]) -> str:
    return str(row["trace_id"])
