"""The routes that Langfuse's SDKs call: LANGFUSE_BASE_URL=https://<host>, the secret key is the ingestion key.

https://api.reference.langfuse.com
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from webhooks.receiver import Receiver
from webhooks.routes_otlp import take_otlp
from webhooks.sources import langfuse

PREFIX = "/api/public"
DIALECT = "langfuse-scores"
MULTI_STATUS = 207


def add_langfuse(router: APIRouter, receiver: Receiver) -> None:
    """Add the routes."""

    @router.get(f"{PREFIX}/projects")
    async def projects(request: Request) -> JSONResponse:
        """Answer `auth_check()`: it wants at least one project, and takes any."""
        tenant = await receiver.admit(request)
        project = {"id": tenant, "name": tenant, "organization": {"id": tenant, "name": tenant}, "metadata": {}}
        return JSONResponse({"data": [project]})

    @router.post(f"{PREFIX}/otel/v1/traces")
    async def langfuse_otel(request: Request) -> Response:
        return await take_otlp(request, receiver)

    @router.post(f"{PREFIX}/ingestion")
    async def ingestion(request: Request) -> JSONResponse:
        outcomes = await _keep_scores(request, receiver)
        accepted = [{"id": outcome.id, "status": 201} for outcome in outcomes if not outcome.error]
        refused = [{"id": outcome.id, "status": 400, "message": outcome.error} for outcome in outcomes if outcome.error]
        return JSONResponse({"successes": accepted, "errors": refused}, status_code=MULTI_STATUS)

    @router.post(f"{PREFIX}/scores")
    async def scores(request: Request) -> JSONResponse:
        outcomes = await _keep_scores(request, receiver)
        errors = [{"id": outcome.id, "error": outcome.error} for outcome in outcomes if outcome.error]
        answer = {"accepted": len(outcomes) - len(errors), "rejected": len(errors), "errors": errors}
        return JSONResponse(answer, status_code=MULTI_STATUS if errors else 202)


async def _keep_scores(request: Request, receiver: Receiver) -> list[langfuse.Outcome]:
    tenant = await receiver.admit(request)
    received_at = receiver.now().isoformat()
    body = await receiver.keep(request, tenant, DIALECT, rewrite=lambda raw: langfuse.stamped(raw, received_at))
    return langfuse.outcomes(body)
