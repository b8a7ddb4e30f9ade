"""A receiver to throw away: the least that can be done for spans to be durable and searchable.

It decodes, keeps a few columns of each span as a row and the body as it came, and commits in groups. It knows no
tenants and no keys, redacts nothing, refuses nothing, and trusts what it is sent. What Tracewright costs above it is
the price of that.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from isal import isal_zlib
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

GZIP = 31
WANTED = frozenset({"openinference.span.kind", "session.id", "user.id", "error.type"})
SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS batches (batch INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS spans (trace_id, span_id, parent_span_id, name, started_at, ended_at, status, kind,
        service, session_id, user_id, error_type, batch, PRIMARY KEY (trace_id, span_id)) WITHOUT ROWID;
"""
KEEP_SPAN = "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
Row = tuple[Any, ...]
Waiting = list[tuple[bytes, list[Row], asyncio.Future[None]]]


def floor(database: str) -> FastAPI:
    """Return the receiver on a SQLite database."""
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database, check_same_thread=False)
    connection.executescript(SCHEMA)
    waiting: Waiting = []
    writing: set[asyncio.Task[None]] = set()
    web = FastAPI()

    @web.post("/v1/traces")
    async def traces(request: Request) -> Response:
        body = await request.body()
        kept = asyncio.get_running_loop().create_future()
        waiting.append((body, list(rows(isal_zlib.decompress(body, GZIP))), kept))
        if not writing:
            task = asyncio.create_task(write(connection, waiting))
            writing.add(task)
            task.add_done_callback(writing.discard)
        await kept
        return Response(media_type="application/x-protobuf")

    @web.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return web


def rows(body: bytes) -> Iterator[Row]:
    """Yield one row a span, but for the batch."""
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
        service = resource.get("service.name", "")
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                found = {key: item.value.string_value for item in span.attributes if (key := item.key) in WANTED}
                yield (
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex() or None,
                    span.name,
                    span.start_time_unix_nano // 1000,
                    span.end_time_unix_nano // 1000,
                    span.status.code,
                    found.get("openinference.span.kind"),
                    service,
                    found.get("session.id"),
                    found.get("user.id"),
                    found.get("error.type"),
                )


async def write(connection: sqlite3.Connection, waiting: Waiting) -> None:
    """Commit what waits, in a thread, until nothing does."""
    while waiting:
        group = waiting[:]
        waiting.clear()
        await asyncio.to_thread(commit, connection, group)
        for _, _, kept in group:
            kept.set_result(None)


def commit(connection: sqlite3.Connection, group: Waiting) -> None:
    """Keep a group in one transaction."""
    with connection:
        for body, found, _ in group:
            batch = connection.execute("INSERT INTO batches (body) VALUES (?)", (body,)).lastrowid
            connection.executemany(KEEP_SPAN, [(*row, batch) for row in found])
