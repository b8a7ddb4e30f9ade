"""Executor: runs the tool calls of one message at the same time, each within its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fleetdesk import telemetry
from fleetdesk.config import LoopSettings
from fleetdesk.errors import BadArguments, FleetError, ToolTimeout
from fleetdesk.llm import messages as chat
from fleetdesk.llm.messages import Call, Message
from fleetdesk.tools.arguments import parse

Run = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


class Executor:
    """Runs calls with `run`, which does one tool by its name."""

    def __init__(self, run: Run, settings: LoopSettings) -> None:
        self.run = run
        self.settings = settings
        self._gate = asyncio.Semaphore(settings.parallel)

    async def run_all(self, calls: Sequence[Call]) -> list[Message]:
        """Return a tool message for each call, in the order of the calls."""
        results = await asyncio.gather(*(self._one(call) for call in calls))
        return [chat.result(call.call_id, text) for call, text in zip(calls, results, strict=True)]

    async def _one(self, call: Call) -> str:
        """Run one call and return what the model is told; what a tool refuses is told too."""
        try:
            arguments = parse(call.name, call.arguments)
        except BadArguments as error:
            return told(error)
        async with self._gate:
            with telemetry.tool_span(call.call_id, call.name, arguments) as span:
                try:
                    text = json.dumps(await self._in_time(call.name, arguments))
                except FleetError as error:
                    span.record_exception(error)
                    span.set_status(telemetry.ERROR, str(error))
                    text = told(error)
                span.set_attribute("output.value", text)
                return text

    async def _in_time(self, name: str, arguments: Mapping[str, Any]) -> Any:
        limit = self.settings.tool_timeout_s
        try:
            async with asyncio.timeout(limit):
                return await self.run(name, arguments)
        except TimeoutError as error:
            raise ToolTimeout(f"{name} did not end within {limit:g} seconds and was cancelled") from error


def told(error: Exception) -> str:
    """Return an error as the model is told it."""
    return json.dumps({"error": str(error)})
