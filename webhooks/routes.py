"""The receiver's HTTP routes. Every answer that says "accepted" is given after the inbox has made the data durable.

Logs and metrics are answered but not kept: an SDK that is given one endpoint sends all three signals, and its user
would see errors otherwise. Logs will be read when the formats that need them are.
"""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from webhooks import otlp
from webhooks.decompress import LIMIT, decompress
from webhooks.errors import TooLarge, Unauthorized, Unavailable, Undecodable, UnsupportedMedia, WebhookError
from webhooks.github import PAYLOAD_LIMIT, Delivery, read_delivery
from webhooks.inbox import Batch, Inbox

OTLP_PREFIX = "/v1/"
# An OTLP exporter has ten seconds for all its attempts, and drops the batch when told to wait longer than it has left:
# https://opentelemetry.io/docs/specs/otel/protocol/exporter/
RETRY_AFTER_S = "1"


def create_router(
    inbox: Inbox,
    *,
    webhook_secret: str | None,
    on_delivery: Callable[[Delivery], None] | None = None,
    on_batch: Callable[[str], None] | None = None,
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

    """
    router = APIRouter()
    _add_otlp(router, inbox, on_batch)
    _add_github(router, inbox, webhook_secret, on_delivery)

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
        if not request.url.path.startswith(OTLP_PREFIX):
            return JSONResponse({"error": message}, status_code=error.status, headers=headers)
        content_type = _error_type(request)
        content = otlp.error_response(error.status, message, content_type)
        return Response(content, status_code=error.status, headers=headers, media_type=content_type)


def _add_otlp(router: APIRouter, inbox: Inbox, on_batch: Callable[[str], None] | None) -> None:
    @router.post("/v1/traces")
    async def traces(request: Request) -> Response:
        content_type, tenant = await _admit(request, inbox)
        body = await _read(request, limit=LIMIT)
        encoding = request.headers.get("content-encoding", "")
        kept = await run_in_threadpool(_keep, inbox, tenant, body, encoding, content_type)
        if kept and on_batch:
            await run_in_threadpool(on_batch, tenant)
        return Response(otlp.response(content_type), media_type=content_type)

    @router.post("/v1/metrics")
    @router.post("/v1/logs")
    async def discard(request: Request) -> Response:
        content_type, _ = await _admit(request, inbox)
        await _read(request, limit=LIMIT)
        return Response(otlp.response(content_type), media_type=content_type)


def _add_github(
    router: APIRouter, inbox: Inbox, secret: str | None, on_delivery: Callable[[Delivery], None] | None
) -> None:
    @router.post("/github/webhook")
    async def webhook(request: Request) -> Response:
        if not secret:
            raise Unavailable("no webhook secret is configured, so no delivery can be verified")
        delivery = read_delivery(request.headers, await _read(request, limit=PAYLOAD_LIMIT), secret)
        new = await run_in_threadpool(inbox.keep_delivery, delivery)
        if on_delivery:
            await run_in_threadpool(on_delivery, delivery)
        return JSONResponse({"delivery": delivery.delivery_id, "new": new}, status_code=202)


async def _admit(request: Request, inbox: Inbox) -> tuple[str, str]:
    """Return the request's media type and the tenant of its key, before a byte of the body is read."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    tenant = await run_in_threadpool(inbox.tenant_of, key) if key else None
    if tenant is None:
        raise Unauthorized("the ingestion key is missing or not known")
    return otlp.media_type(request.headers.get("content-type", "")), tenant


async def _read(request: Request, *, limit: int) -> bytes:
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


def _keep(inbox: Inbox, tenant: str, body: bytes, encoding: str, content_type: str) -> bool:
    """Keep the batch, or quarantine what cannot be read; return whether there was anything to keep."""
    dialect = otlp.dialect(content_type)
    try:
        body = decompress(body, encoding)
        spans = otlp.decode(body, content_type)
    except Undecodable as error:
        # The client will not send it again: https://opentelemetry.io/docs/specs/otlp/#failures-1
        inbox.quarantine(tenant, dialect=dialect, body=body, reason=str(error))
        raise
    if spans:
        inbox.keep_batch(tenant, Batch(dialect=dialect, body=body, spans=spans))
    return bool(spans)


def _error_type(request: Request) -> str:
    try:
        return otlp.media_type(request.headers.get("content-type", ""))
    except UnsupportedMedia:
        return otlp.JSON
