"""Command line: `python -m fleetdesk.api.cli vehicles|orders|shopping|ask "…"`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from fleetdesk import telemetry
from fleetdesk.agent.loop import Assistant
from fleetdesk.api import render
from fleetdesk.config import Settings, read_settings
from fleetdesk.errors import FleetError
from fleetdesk.llm.client import ModelClient
from fleetdesk.memory.session import Session
from fleetdesk.store.depot import open_depot
from fleetdesk.tools.all_tools import registry_of

TABLES = {"vehicles": render.vehicles, "orders": render.orders, "shopping": render.shopping}


async def ask(question: str, settings: Settings) -> str:
    """Ask the assistant one question."""
    registry = registry_of(open_depot(settings.depot))
    model = ModelClient(settings)
    try:
        assistant = Assistant(model, registry.run, registry.schemas(), settings)
        return (await assistant.talk(Session("cli", "cli"), [question])).text
    finally:
        await model.close()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Look at a depot, or ask about it.")
    parser.add_argument("what", choices=[*TABLES, "ask"])
    parser.add_argument("question", nargs="?", default="")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings()
        if options.what != "ask":
            print(TABLES[options.what](open_depot(settings.depot)))
            return 0
        provider = telemetry.configure()
        try:
            print(asyncio.run(ask(options.question, settings)))
        finally:
            provider.shutdown()
    except FleetError as error:
        print(f"fleetdesk: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
