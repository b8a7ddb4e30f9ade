"""The whole application over a real SQLite store, called as a server calls it but without sockets."""

import asyncio
import hashlib
import hmac
import itertools
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.types import Message

from bot import app as application
from bot.pipeline import Pipeline
from bot.store.engine import open_engine
from bot.store.store import Store
from webhooks.redact import Redaction
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS
from webhooks.signatures import Secret, Secrets

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT_AT = str(int(NOON.timestamp()))
SECRET = "the App's"
GITHUB, ENGINE = "/github/webhook", "/webhooks/langsmith/engine"
LANGFUSE, STANDARD = "/webhooks/langfuse", "/webhooks/standard"
SIGNED = frozenset({GITHUB, ENGINE, LANGFUSE, STANDARD})
TENANTS = tuple(map(str, range(7, 127)))


@dataclass(frozen=True)
class Sent:
    """A request as a client sends it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Receiving:
    """The application, answering one request after the other in one event loop."""

    store: Store
    app: FastAPI
    runner: asyncio.Runner
    #: The ingestion key of each tenant.
    keys: Mapping[str, str]
    #: Ids of GitHub's deliveries whose handling was asked for.
    started: list[str]

    def send(self, sent: Sent, *, tenant: str = "7") -> tuple[int, bytes]:
        """Send a request as the tenant, signed where the route wants it, and return the answer's status and body."""
        headers = {name: value.replace("tw_key", self.keys[tenant]) for name, value in sent.headers.items()}
        return self.runner.run(_answer(self.app, sent, headers | _signature(sent, tenant)))


@contextmanager
def receiving(folder: Path, *, redacting: bool = True) -> Iterator[Receiving]:
    """Serve the tenants from a database in the folder; nothing survives a loss of power."""
    engine = open_engine(f"sqlite:///{folder / 'tracewright.db'}")
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    ticks = itertools.count()  # a batch is numbered by its time, and looks for a free one
    store = Store(engine, now=lambda: NOON + timedelta(microseconds=next(ticks)), min_free_bytes=0)
    keys = {tenant: store.create_key(tenant) for tenant in TENANTS}
    started: list[str] = []
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr(application, "start_watch", lambda _, delivery_id: started.append(delivery_id))
        yield Receiving(store, _app(store, redacting=redacting), runner, keys, started)
    store.close()


def _app(store: Store, *, redacting: bool) -> FastAPI:
    redaction = Redaction(redactor=redactor(), master_key=b"master", on_replaced=store.count_replaced)
    signers = [Secret(tenant=tenant, key=_signing_key(tenant)) for tenant in TENANTS]
    return application.create_app(
        store=store,
        pipeline=cast("Pipeline", None),  # only `start_watch` uses it
        webhook_secret=SECRET,
        interval_s=0,
        now=lambda: NOON,
        redaction=redaction if redacting else None,
        secrets=Secrets(standard=signers, langsmith=signers, langfuse=signers),
    )


@cache
def redactor() -> Redactor:
    """Return the rules for secrets, compiled once: that takes a second."""
    return Redactor(SECRETS)


def _signing_key(tenant: str) -> bytes:
    return f"a secret of {tenant}".encode()


def _signature(sent: Sent, tenant: str) -> dict[str, str]:
    """Return the headers with which the body is signed."""

    def digest(content: bytes, key: bytes = _signing_key(tenant)) -> bytes:
        return hmac.new(key, content, hashlib.sha256).digest()

    if sent.path == GITHUB:
        return {"x-hub-signature-256": f"sha256={digest(sent.body, SECRET.encode()).hex()}"}
    if sent.path == ENGINE:
        return {"x-langsmith-signature": f"sha256={digest(sent.body).hex()}"}
    if sent.path == LANGFUSE:
        return {"x-langfuse-signature": f"t={SENT_AT},v1={digest(f'{SENT_AT}.'.encode() + sent.body).hex()}"}
    if sent.path == STANDARD:
        signed = b64encode(digest(f"msg_1.{SENT_AT}.".encode() + sent.body)).decode()
        return {"webhook-id": "msg_1", "webhook-timestamp": SENT_AT, "webhook-signature": f"v1,{signed}"}
    return {}


async def _answer(app: FastAPI, sent: Sent, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Return status and body; an exception that escapes the application is the caller's."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": sent.path,
        "raw_path": sent.path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": sent.body, "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    await app(scope, receive, send)
    return answered[0]["status"], b"".join(message.get("body", b"") for message in answered)
