"""Serve what the ingestion benchmark measures: `ingest_server.py PORT RECEIVER [DATABASE]`.

http         reads the request and answers: below it no receiver on the same server can get
floor        see ingest_floor.py
tracewright  the receiver, redaction on, without the loop that examines what came
unredacted   the same, redaction off
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

sys.path.insert(0, str(Path(__file__).parents[1]))

OURS = ("tracewright", "unredacted")


def main() -> None:
    """Serve until killed."""
    port, name, *database = sys.argv[1:]
    web = _receiver(name, *database)
    if name in OURS:
        from bot.long_running import settle  # noqa: PLC0415  # each loads only what it needs

        settle()  # as `tracewright serve` does
    uvicorn.run(web, host="127.0.0.1", port=int(port), log_level="warning")


def _receiver(name: str, database: str = "") -> FastAPI:
    if name == "http":
        return http()
    if name == "floor":
        from benchmarks.ingest_floor import floor  # noqa: PLC0415  # as above

        return floor(database)
    return tracewright(database, redacted=name == "tracewright")


def tracewright(database: str, *, redacted: bool) -> FastAPI:
    """Return the receiver on a SQLite database."""
    from bot.store.engine import open_engine  # noqa: PLC0415  # as above
    from bot.store.store import Store  # noqa: PLC0415  # as above
    from webhooks.redact import Redaction  # noqa: PLC0415  # as above
    from webhooks.redaction.redactor import Redactor  # noqa: PLC0415  # as above
    from webhooks.redaction.secrets import SECRETS  # noqa: PLC0415  # as above
    from webhooks.routes import create_router, install_error_handler  # noqa: PLC0415  # as above

    store = Store(open_engine(f"sqlite:///{database}"), now=lambda: datetime.now(UTC))
    redaction = Redaction(redactor=Redactor(SECRETS), master_key=b"for a benchmark")
    web = FastAPI()
    web.include_router(create_router(store, webhook_secret=None, redaction=redaction if redacted else None))
    install_error_handler(web)
    return web


def http() -> FastAPI:
    """Return a receiver that keeps nothing."""
    web = FastAPI()

    @web.post("/v1/traces")
    async def traces(request: Request) -> Response:
        await request.body()
        return Response(media_type="application/x-protobuf")

    @web.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return web


if __name__ == "__main__":
    main()
