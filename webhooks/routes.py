"""The receiver's HTTP routes. Every answer that says "accepted" is given after the inbox has made the data durable.

Each source has a module of routes of its own; here are GitHub's, and what all have in common.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from webhooks import otlp
from webhooks.clock import utc_now
from webhooks.decompress import FORMATS
from webhooks.errors import Unavailable, UnsupportedMedia, WebhookError
from webhooks.github import PAYLOAD_LIMIT, Delivery, read_delivery
from webhooks.inbox import Inbox
from webhooks.receiver import Receiver, read_body
from webhooks.redact import Redaction
from webhooks.routes_langfuse import add_langfuse
from webhooks.routes_langsmith import add_langsmith
from webhooks.routes_openai_agents import add_openai_agents
from webhooks.routes_otlp import add_otlp
from webhooks.routes_webhooks import add_webhooks
from webhooks.signatures import Secrets

OTLP_PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")
# An OTLP exporter has ten seconds for all its attempts, and drops the batch when told to wait longer than it has left:
# https://opentelemetry.io/docs/specs/otel/protocol/exporter/
RETRY_AFTER_S = "1"


def create_router(
    inbox: Inbox,
    *,
    webhook_secret: str | None,
    on_delivery: Callable[[Delivery], None] | None = None,
    on_batch: Callable[[str], None] | None = None,
    redaction: Redaction | None = None,
    secrets: Secrets | None = None,
    now: Callable[[], datetime] = utc_now,
) -> APIRouter:
    """Return the routes of the receiver.

    Parameters
    ----------
    inbox
        Keeps what arrives; called in worker threads.
    webhook_secret
        The GitHub App's; without one every delivery is refused.
    on_delivery
        Called in a worker thread with each delivery that was kept, and again when GitHub sends it again: a process
        that died between keeping a delivery and acting on it gets its second chance so.
    on_batch
        Called in a worker thread with the tenant whose batch was kept.
    redaction
        Replaces the secrets of a body before it is decoded, kept or quarantined; None keeps bodies as they came.
    secrets
        Of the signed webhooks of other systems; without them each is refused.
    now
        The time of arrival, for what says no time of its own; aware.

    """
    router = APIRouter()
    receiver = Receiver(inbox=inbox, on_batch=on_batch, redaction=redaction, now=now)
    add_otlp(router, receiver)
    add_langsmith(router, receiver, zstd="zstd" in FORMATS)
    add_langfuse(router, receiver)
    add_openai_agents(router, receiver)
    add_webhooks(router, receiver, secrets or Secrets())
    _add_github(router, receiver, webhook_secret, on_delivery)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return router


def install_error_handler(app: FastAPI) -> None:
    """Answer every WebhookError with its status, in the protocol of the route that raised it."""

    @app.exception_handler(WebhookError)
    async def answer(request: Request, error: WebhookError) -> Response:
        headers = {"Retry-After": RETRY_AFTER_S} if isinstance(error, Unavailable) else {}
        message = str(error)
        if not request.url.path.endswith(OTLP_PATHS):
            return JSONResponse({"error": message}, status_code=error.status, headers=headers)
        content_type = _error_type(request)
        content = otlp.error_response(error.status, message, content_type)
        return Response(content, status_code=error.status, headers=headers, media_type=content_type)


def _add_github(
    router: APIRouter, receiver: Receiver, secret: str | None, on_delivery: Callable[[Delivery], None] | None
) -> None:
    @router.post("/github/webhook")
    async def webhook(request: Request) -> Response:
        if not secret:
            raise Unavailable("no webhook secret is configured, so no delivery can be verified")
        body = await read_body(request, limit=PAYLOAD_LIMIT)
        delivery = await run_in_threadpool(read_delivery, request.headers, body, secret)
        new = await run_in_threadpool(receiver.keep_delivery, delivery)
        if on_delivery:
            await run_in_threadpool(on_delivery, delivery)
        return JSONResponse({"delivery": delivery.delivery_id, "new": new}, status_code=202)


def _error_type(request: Request) -> str:
    try:
        return otlp.media_type(request.headers.get("content-type", ""))
    except UnsupportedMedia:
        return otlp.JSON
