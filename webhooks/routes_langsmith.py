"""The routes that the LangSmith SDK calls, below /langsmith: LANGSMITH_ENDPOINT=https://<host>/langsmith.

https://api.smith.langchain.com/redoc
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from webhooks.receiver import Receiver, Rewrite
from webhooks.routes_otlp import take_otlp
from webhooks.sources import langsmith_requests as requests
from webhooks.sources.langsmith_otel import with_project_json, with_project_protobuf

PREFIX = "/langsmith"
DIALECT = "langsmith"
PROJECT = "langsmith-project"
# What the SDK is to do: one multipart request at a time, compressed, and each below the receiver's limit.
INFO: dict[str, Any] = {
    "version": "0.13.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20 * 1024 * 1024,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 16,
        "scale_down_nempty_trigger": 4,
    },
}


def add_langsmith(router: APIRouter, receiver: Receiver, *, zstd: bool) -> None:
    """Add the routes.

    Parameters
    ----------
    zstd
        Whether the SDK may compress with zstd, which the receiver must then be able to read.

    """
    info = {**INFO, "instance_flags": {"zstd_compression_enabled": zstd}}

    @router.get(f"{PREFIX}/info")
    async def langsmith_info() -> JSONResponse:
        return JSONResponse(info)

    _add_runs(router, receiver, "/runs/multipart", requests.from_multipart)
    _add_runs(router, receiver, "/runs/batch", requests.from_batch)
    _add_runs(router, receiver, "/runs", requests.from_post)

    @router.post(f"{PREFIX}/feedback")
    async def feedback(request: Request) -> Response:
        tenant = await receiver.admit(request)
        stamped = partial(requests.from_feedback, received_at=receiver.now().isoformat())
        await receiver.keep(request, tenant, DIALECT, rewrite=stamped)
        return JSONResponse({}, status_code=202)

    @router.patch(f"{PREFIX}/runs/{{run_id}}")
    async def update_run(request: Request, run_id: str) -> Response:
        tenant = await receiver.admit(request)
        await receiver.keep(request, tenant, DIALECT, rewrite=partial(requests.from_patch, run_id=run_id))
        return JSONResponse({}, status_code=202)

    @router.post(f"{PREFIX}/otel/v1/traces")
    async def langsmith_otel(request: Request) -> Response:
        project = request.headers.get(PROJECT, "")
        return await take_otlp(request, receiver, rewrite=_naming(request, project) if project else None)


def _naming(request: Request, project: str) -> Rewrite:
    """Return what makes the project the service of the spans, as it is of runs that come by the other routes."""
    is_json = request.headers.get("content-type", "").startswith("application/json")
    return partial(with_project_json if is_json else with_project_protobuf, project=project)


def _add_runs(router: APIRouter, receiver: Receiver, path: str, rewrite: Callable[[bytes], bytes]) -> None:
    @router.post(f"{PREFIX}{path}")
    async def take(request: Request) -> Response:
        tenant = await receiver.admit(request)
        await receiver.keep(request, tenant, DIALECT, rewrite=rewrite)
        return JSONResponse({}, status_code=202)
