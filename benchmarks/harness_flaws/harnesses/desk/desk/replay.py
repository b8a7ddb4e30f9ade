"""Run one recorded conversation again: TRACEWRIGHT_INPUT says which, TRACEWRIGHT_TOOLS_URL knows the tools' results."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

from desk import telemetry
from desk.ledger import Ledger
from desk.llm import make_client
from desk.loop import converse
from desk.tools import Toolbox, ToolFailed


class RecordedToolbox(Toolbox):
    def run(self, name, arguments):
        body = json.dumps({"name": name, "arguments": arguments}).encode()
        request = urllib.request.Request(
            os.environ["TRACEWRIGHT_TOOLS_URL"], body, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                told = json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404 and json.load(error).get("run"):
                return super().run(name, arguments)
            raise
        if told.get("error"):
            raise ToolFailed(told["error"]["message"])
        return json.loads(told["result"])


def main():
    recorded = json.loads(json.loads(Path(os.environ["TRACEWRIGHT_INPUT"]).read_text())["input"])
    toolbox = (RecordedToolbox if "TRACEWRIGHT_TOOLS_URL" in os.environ else Toolbox)(Ledger())
    provider = telemetry.configure()
    try:
        print(converse(make_client(), toolbox, recorded["turns"], "replay", recorded["user_id"])[0])
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
