"""Serve what the ingestion benchmark measures: `ingest_server.py PORT [DATABASE]`.

With a database, Tracewright's receiver, redaction on, without the loop that examines what came; without one, a
receiver that reads the request and answers, below which no receiver on the same server can get.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    """Serve until killed."""
    port, *database = sys.argv[1:]
    web = receiver(database[0]) if database else floor()
    uvicorn.run(web, host="127.0.0.1", port=int(port), log_level="warning")


def receiver(database: str) -> FastAPI:
    """Return the receiver on a SQLite database."""
    from bot.store.engine import open_engine  # noqa: PLC0415  # the floor shall not load SQLAlchemy
    from bot.store.store import Store  # noqa: PLC0415  # as above
    from webhooks.redact import Redaction  # noqa: PLC0415  # as above
    from webhooks.redaction.redactor import Redactor  # noqa: PLC0415  # as above
    from webhooks.redaction.secrets import SECRETS  # noqa: PLC0415  # as above
    from webhooks.routes import create_router, install_error_handler  # noqa: PLC0415  # as above

    store = Store(open_engine(f"sqlite:///{database}"), now=lambda: datetime.now(UTC))
    redaction = Redaction(redactor=Redactor(SECRETS), master_key=b"for a benchmark")
    web = FastAPI()
    web.include_router(create_router(store, webhook_secret=None, redaction=redaction))
    install_error_handler(web)
    return web


def floor() -> FastAPI:
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
