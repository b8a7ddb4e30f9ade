"""The routes of OTLP/HTTP: OTEL_EXPORTER_OTLP_ENDPOINT=https://<host>.

Metrics are answered but not kept: an SDK that is given one endpoint sends all three signals, and its user would see
errors otherwise.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from webhooks import otlp
from webhooks.decompress import LIMIT
from webhooks.receiver import Receiver, Rewrite, read_body

LOGS = "-logs"  # what the dialect of a logs export adds to that of a trace export


def add_otlp(router: APIRouter, receiver: Receiver) -> None:
    """Add the routes of the three signals, and of Logfire's greeting."""

    @router.post("/v1/traces")
    async def traces(request: Request) -> Response:
        return await take_otlp(request, receiver)

    @router.post("/v1/logs")
    async def logs(request: Request) -> Response:
        return await take_otlp(request, receiver, suffix=LOGS)

    @router.post("/v1/metrics")
    async def metrics(request: Request) -> Response:
        await receiver.admit(request)
        content_type = otlp.media_type(request.headers.get("content-type", ""))
        await read_body(request, limit=LIMIT)
        return Response(otlp.response(content_type), media_type=content_type)

    @router.get("/v1/info")
    async def logfire_info(request: Request) -> JSONResponse:
        """Answer Logfire's SDK, which asks for its project before it sends: LOGFIRE_BASE_URL."""
        tenant = await receiver.admit(request)
        return JSONResponse({"project_name": tenant, "project_url": str(request.base_url)})


async def take_otlp(
    request: Request, receiver: Receiver, *, suffix: str = "", rewrite: Rewrite | None = None
) -> Response:
    """Keep an export request, and answer in its own type."""
    tenant = await receiver.admit(request)
    content_type = otlp.media_type(request.headers.get("content-type", ""))
    await receiver.keep(request, tenant, otlp.dialect(content_type) + suffix, rewrite=rewrite)
    return Response(otlp.response(content_type), media_type=content_type)
