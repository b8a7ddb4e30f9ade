"""Run one recorded conversation again: `python -m support_agent.replay`.

TRACEWRIGHT_INPUT       path of {"input": "<input.value of the conversation's span>"}
TRACEWRIGHT_TOOLS_URL   where recorded tool results are asked for; without it the tools run on a new database
"""

import json
import os
import sys
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support_agent import database
from support_agent.agent import SupportAgent
from support_agent.client import build_client
from support_agent.telemetry import configure
from support_agent.tools import Toolbox, ToolError, Tools

REQUEST_TIMEOUT_S = 30.0


class NotRecorded(Exception):
    """The recording has no result for this call, and the tool may not be run instead."""


class RecordedTools:
    """Answers tool calls from a recording; what it does not know is run by `tools` where that is allowed."""

    def __init__(self, url: str, tools: Tools) -> None:
        self.url = urlsplit(url)
        self.tools = tools

    def call(self, name: str, arguments: Mapping[str, Any]) -> object:
        status, answer = self._ask({"name": name, "arguments": arguments})
        if status == HTTPStatus.NOT_FOUND and answer.get("run"):
            return self.tools.call(name, arguments)
        if status != HTTPStatus.OK:
            raise NotRecorded(f"{name} {json.dumps(arguments)}: {status}")
        if error := answer.get("error"):
            raise ToolError(error["message"])
        return _parsed(answer["result"])

    def _ask(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        connection = HTTPConnection(self.url.netloc, timeout=REQUEST_TIMEOUT_S)
        try:
            connection.request("POST", self.url.path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        finally:
            connection.close()
        return response.status, answer


def _parsed(result: str) -> object:
    """Return what the tool returned; results were recorded as the JSON text that the model saw."""
    try:
        return json.loads(result)
    except ValueError:
        return result


def main() -> int:
    recording = json.loads(Path(os.environ["TRACEWRIGHT_INPUT"]).read_text(encoding="utf-8"))
    conversation = json.loads(recording["input"])
    user_id = conversation.get("user_id", "replay")
    tools: Tools = Toolbox(database.connect(":memory:"), customer_id=user_id)
    if url := os.environ.get("TRACEWRIGHT_TOOLS_URL"):
        tools = RecordedTools(url, tools)
    provider = configure()
    try:
        reply = SupportAgent(build_client(), tools).converse(
            conversation["turns"], session_id="replay", user_id=user_id
        )
    finally:
        provider.shutdown()
    sys.stdout.write(f"{reply.answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
