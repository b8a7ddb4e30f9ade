"""The routes that other systems call when they have something to say about a run: below /webhooks.

Each is answered after it is durable, and costs one group commit: a rule of LangSmith waits five seconds and is not run
again.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from webhooks import signatures
from webhooks.receiver import Receiver, read_body
from webhooks.signatures import Secrets
from webhooks.sources import langsmith_requests, signals

DIALECT = "signal"
BODY_LIMIT = 8 * 1024 * 1024  # events of a few kilobytes


def add_webhooks(router: APIRouter, receiver: Receiver, secrets: Secrets) -> None:
    """Add the routes."""

    @router.post("/webhooks/langsmith/rule")
    async def langsmith_rule(request: Request) -> Response:
        """Take the runs that an automation rule chose; it can send headers, but signs nothing."""
        tenant = await receiver.admit(request)
        await receiver.keep(request, tenant, "langsmith", rewrite=langsmith_requests.from_rule)
        return JSONResponse({}, status_code=202)

    @router.post("/webhooks/langsmith/engine")
    async def langsmith_engine(request: Request) -> Response:
        return await _take(
            request,
            receiver,
            "langsmith",
            lambda body, _: signatures.verify_langsmith(request.headers, body, secrets.langsmith),
        )

    @router.post("/webhooks/langfuse")
    async def langfuse(request: Request) -> Response:
        return await _take(
            request,
            receiver,
            "langfuse",
            lambda body, now: signatures.verify_langfuse(request.headers, body, secrets.langfuse, now),
        )

    @router.post("/webhooks/standard")
    async def standard(request: Request) -> Response:
        return await _take(
            request,
            receiver,
            "standard",
            lambda body, now: signatures.verify_standard(request.headers, body, secrets.standard, now),
        )


async def _take(
    request: Request, receiver: Receiver, source: str, verify: Callable[[bytes, datetime], str]
) -> JSONResponse:
    """Keep a signed webhook once, whatever its sender repeats."""
    body = await read_body(request, limit=BODY_LIMIT)
    now = receiver.now()
    tenant = await run_in_threadpool(verify, body, now)
    named = request.headers.get(signatures.WEBHOOK_ID, "") if source == "standard" else ""
    rewrite = partial(signals.wrapped, source=source, delivery=named, received_at=now.isoformat())
    await receiver.keep_body(body, tenant, DIALECT, rewrite=rewrite)
    return JSONResponse({}, status_code=202)
