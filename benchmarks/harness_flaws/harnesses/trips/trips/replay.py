"""Run a recorded conversation again."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

from switchboard import Runner, ToolError, tracing
from trips.assistant import ASSISTANT


class Recorded:
    """Middleware that asks the recording instead of the tool."""

    def __init__(self, url):
        self.url = url

    def __call__(self, tool, arguments, proceed):
        if tool.name == "remember":  # it writes to the conversation's own memory
            return proceed(tool, arguments)
        body = json.dumps({"name": tool.name, "arguments": arguments}).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.url, body, {"Content-Type": "application/json"}), timeout=30
            ) as response:
                told = json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404 and json.load(error).get("run"):
                return proceed(tool, arguments)
            raise
        if told.get("error"):
            raise ToolError(told["error"]["message"])
        return told["result"]


def main():
    asked = json.loads(json.loads(Path(os.environ["TRACEWRIGHT_INPUT"]).read_text())["input"])
    agent, url = ASSISTANT, os.environ.get("TRACEWRIGHT_TOOLS_URL")
    if url:
        agent = replace(agent, middleware=[*agent.middleware, Recorded(url)])
    provider = tracing.configure("trips", "4.1.0")
    try:
        print(Runner(agent).run(asked["turns"], session_id="replay", user_id=asked["user_id"])[0])
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
