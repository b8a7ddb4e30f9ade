"""The route that the OpenAI Agents SDK exports to: BackendSpanExporter(endpoint="https://<host>/v1/traces/ingest")."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from webhooks.receiver import Receiver
from webhooks.sources import openai_agents

DIALECT = "openai-agents"


def add_openai_agents(router: APIRouter, receiver: Receiver) -> None:
    """Add the route."""

    @router.post("/v1/traces/ingest")
    async def openai_agents_traces(request: Request) -> Response:
        tenant = await receiver.admit(request)
        received_at = receiver.now().isoformat()
        await receiver.keep(request, tenant, DIALECT, rewrite=lambda raw: openai_agents.stamped(raw, received_at))
        return JSONResponse({}, status_code=202)
