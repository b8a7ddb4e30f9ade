"""Replay: run one recorded conversation again.

TRACEWRIGHT_INPUT       a file with {"input": <what the conversation's span was given>}
TRACEWRIGHT_TOOLS_URL   knows what the tools returned then
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[2]))

from fleetdesk import telemetry
from fleetdesk.agent.loop import Assistant
from fleetdesk.config import read_settings
from fleetdesk.errors import FleetError
from fleetdesk.llm.client import ModelClient
from fleetdesk.memory.session import Session
from fleetdesk.store.depot import open_depot
from fleetdesk.tools.all_tools import registry_of
from fleetdesk.tools.registry import Registry

NOT_FOUND = 404


class RecordedTools:
    """Asks the recording for a tool's result; what it does not know is run where that is allowed."""

    def __init__(self, registry: Registry, url: str) -> None:
        self.registry = registry
        self.url = url

    async def run(self, name: str, arguments: Mapping[str, Any]) -> Any:
        async with httpx.AsyncClient(timeout=30) as client:
            response = await client.post(self.url, json={"name": name, "arguments": dict(arguments)})
        if response.status_code == NOT_FOUND and response.json().get("run"):
            return await self.registry.run(name, arguments)
        response.raise_for_status()
        told = response.json()
        if error := told.get("error"):
            raise FleetError(error["message"])
        return json.loads(told["result"])


async def replay() -> str:
    recorded = json.loads(Path(os.environ["TRACEWRIGHT_INPUT"]).read_text(encoding="utf-8"))
    asked = json.loads(recorded["input"])
    settings = read_settings()
    registry = registry_of(open_depot(settings.depot))
    url = os.environ.get("TRACEWRIGHT_TOOLS_URL")
    run = RecordedTools(registry, url).run if url else registry.run
    model = ModelClient(settings)
    assistant = Assistant(model, run, registry.schemas(), settings)
    try:
        return (await assistant.talk(Session("replay", asked["user_id"]), asked["turns"])).text
    finally:
        await model.close()


def main() -> None:
    provider = telemetry.configure()
    try:
        print(asyncio.run(replay()))
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
