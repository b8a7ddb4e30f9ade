"""Worker: one depot, served over standard input and output, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fleetdesk import telemetry
from fleetdesk.agent.loop import Assistant
from fleetdesk.config import Settings, read_settings
from fleetdesk.llm.client import ModelClient
from fleetdesk.memory.session import Sessions
from fleetdesk.store.depot import open_depot
from fleetdesk.tools.all_tools import registry_of


class Worker:
    """Answers jobs, and takes ratings of the answers."""

    def __init__(self, settings: Settings) -> None:
        registry = registry_of(open_depot(settings.depot))
        self.model = ModelClient(settings)
        self.assistant = Assistant(self.model, registry.run, registry.schemas(), settings)
        self.sessions = Sessions()
        self.spans: dict[str, Any] = {}

    async def handle(self, job: dict[str, Any]) -> dict[str, Any]:
        if "rate" in job:
            telemetry.rate(self.spans[job["rate"]], helpful=job["helpful"], comment=job["comment"])
            return {"rated": job["rate"]}
        session = self.sessions.get(job["session_id"], job["user_id"])
        try:
            reply = await self.assistant.talk(session, job["turns"])
        except Exception as error:  # the next one in the queue is served whatever happened to this one
            return {"answer": "", "error": f"{type(error).__name__}: {error}"}
        self.spans[job["session_id"]] = reply.span
        return {"answer": reply.text, "error": None}


async def serve() -> None:
    """Answer every line until standard input ends."""
    worker = Worker(read_settings())
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await worker.handle(json.loads(line))), flush=True)
    await worker.model.close()


def main() -> None:
    provider = telemetry.configure()
    try:
        asyncio.run(serve())
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
