"""Receiver: what every route of a source does alike: know the tenant, read the body, keep it, then answer."""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from webhooks.clock import utc_now
from webhooks.decompress import LIMIT, decompress, is_compressed
from webhooks.dialects import search
from webhooks.errors import TooLarge, Unauthorized, Undecodable
from webhooks.github import Delivery
from webhooks.inbox import Batch, Inbox
from webhooks.ingestion_key import ingestion_key
from webhooks.parts import check_parts
from webhooks.redact import MESSAGES, Redaction
from webhooks.service_scope import check_services

GZIP = frozenset({"gzip", "x-gzip"})

#: Rewrites a decompressed body before it is decoded and kept.
Rewrite = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Takes in the bodies of all sources."""

    inbox: Inbox
    #: Called in a worker thread with the tenant whose batch was kept.
    on_batch: Callable[[str], None] | None = None
    #: Replaces the secrets of a body before it is decoded, kept or quarantined; None keeps bodies as they came.
    redaction: Redaction | None = None
    now: Callable[[], datetime] = field(default=utc_now)
    #: As many bodies are read at a time as there are cores: more would only wake each other for the interpreter's lock.
    reading: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(os.cpu_count() or 1))

    async def admit(self, request: Request) -> str:
        """Return the tenant of the request's key, before a byte of the body is read.

        Raises
        ------
        Unauthorized
            When the key is missing or not known; which of them is not said.

        """
        key = ingestion_key(request.headers)
        tenant, services = await self._found(key) if key else (None, None)
        if tenant is None or services is None:
            raise Unauthorized("the ingestion key is missing or not known")
        request.state.services = services
        return tenant

    async def keep(self, request: Request, tenant: str, dialect: str, *, rewrite: Rewrite | None = None) -> bytes:
        """Read the request's body, keep it durably and return it decompressed.

        Parameters
        ----------
        rewrite
            Adds to the body what the request says outside of it, such as an id in the path.

        Raises
        ------
        Forbidden
            When a span is of a service that the key is not for; nothing is kept.
        Undecodable
            After the body was quarantined: the client will not send it again.

        """
        body = await read_body(request, limit=LIMIT)
        encoding = request.headers.get("content-encoding", "")
        services = getattr(request.state, "services", ())  # a route that admits without a key has no scope
        return await self.keep_body(body, tenant, dialect, encoding=encoding, rewrite=rewrite, services=services)

    async def keep_body(
        self,
        body: bytes,
        tenant: str,
        dialect: str,
        *,
        encoding: str = "",
        rewrite: Rewrite | None = None,
        services: Sequence[str] = (),
    ) -> bytes:
        """Do what `keep` does with a body that was read before, so that its signature could be verified."""
        return await run_in_threadpool(self._keep, tenant, dialect, body, encoding, rewrite, services)

    def keep_delivery(self, delivery: Delivery) -> bool:
        """Keep a delivery of GitHub's without the secrets in it; False when its id is known."""
        return self.inbox.keep_delivery(self.redaction.delivery(delivery) if self.redaction else delivery)

    async def _found(self, key: str) -> tuple[str | None, Sequence[str] | None]:
        # A sender uses the same key again and again: a thread for each of its requests costs more than the answer.
        return self._look_up(key) if self.inbox.remembers(key) else await run_in_threadpool(self._look_up, key)

    def _look_up(self, key: str) -> tuple[str | None, Sequence[str] | None]:
        return self.inbox.tenant_of(key), self.inbox.services_of(key)

    def _keep(  # noqa: PLR0917
        self,
        tenant: str,
        dialect: str,
        received: bytes,
        encoding: str,
        rewrite: Rewrite | None,
        services: Sequence[str],
    ) -> bytes:
        body = sent = None
        try:
            with self.reading:
                sent = decompress(received, encoding)
                check_parts(sent, MESSAGES.get(dialect))
                # Redacted before it is read: what a reader complains of is answered and kept with the complaint.
                body = self._redacted(sent, dialect, tenant)
                body = self._redacted(rewrite(body), dialect, tenant) if rewrite else body
                rows = search(dialect, body)
        except Undecodable as error:
            # The client will not send it again: https://opentelemetry.io/docs/specs/otlp/#failures-1
            kept = self._sealed(received) if body is None or is_compressed(body) else body
            self.inbox.quarantine(tenant, dialect=dialect, body=kept, reason=str(error))
            raise
        check_services((row.service for row in rows.spans), services)
        if rows.spans:
            gzipped = received if encoding.strip().lower() in GZIP and body == sent else None
            self.inbox.keep_batch(tenant, Batch(dialect=dialect, body=body, rows=rows, gzipped=gzipped))
            if self.on_batch:
                self.on_batch(tenant)
        return body

    def _sealed(self, received: bytes) -> bytes:
        """Return what may be kept of a body in which nobody could look for secrets."""
        if self.redaction is None:
            return received
        return f"{len(received)} bytes as received, SHA-256 {hashlib.sha256(received).hexdigest()}".encode()

    def _redacted(self, body: bytes, dialect: str, tenant: str) -> bytes:
        return self.redaction(body, dialect=dialect, tenant=tenant).body if self.redaction else body


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the body as received; stop reading at the limit."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise TooLarge(f"the body has more than {limit} bytes")
    except ClientDisconnect as error:
        raise Undecodable(f"the client left after {len(body)} bytes") from error
    return bytes(body)
