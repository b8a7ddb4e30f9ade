"""Worker: answer the conversations that arrive on standard input, one JSON job per line, and take ratings.

{"session_id": …, "user_id": …, "turns": […]}       → {"session_id": …, "answer": …, "error": …}
{"rate": session_id, "helpful": …, "comment": …}    → {"rated": session_id}
"""

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from openai import OpenAI
from opentelemetry import trace

from support_agent import database, feedback
from support_agent.agent import SupportAgent
from support_agent.client import build_client
from support_agent.telemetry import configure
from support_agent.tools import Toolbox

logger = logging.getLogger(__name__)


class Worker:
    """Runs jobs one after the other on one client and one database."""

    def __init__(self, client: OpenAI) -> None:
        self.client = client
        self.connection = database.connect()
        self.spans: dict[str, trace.SpanContext] = {}

    def handle(self, job: Mapping[str, Any]) -> dict[str, Any]:
        return self.rate(job) if "rate" in job else self.converse(job)

    def converse(self, job: Mapping[str, Any]) -> dict[str, Any]:
        session_id, user_id = job["session_id"], job["user_id"]
        agent = SupportAgent(self.client, Toolbox(self.connection, customer_id=user_id))
        try:
            reply = agent.converse(job["turns"], session_id=session_id, user_id=user_id)
        except Exception as error:  # noqa: BLE001  # the next customer is served whatever happened to this one
            logger.warning("conversation %s ended with %s", session_id, type(error).__name__)
            return {"session_id": session_id, "answer": "", "error": f"{type(error).__name__}: {error}"}
        self.spans[session_id] = reply.span
        return {"session_id": session_id, "answer": reply.answer, "error": None}

    def rate(self, job: Mapping[str, Any]) -> dict[str, Any]:
        if span := self.spans.get(job["rate"]):
            feedback.record(span, helpful=job["helpful"], comment=job.get("comment", ""))
        return {"rated": job["rate"]}


def main() -> int:
    provider = configure()
    worker = Worker(build_client())
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(worker.handle(json.loads(line))) + "\n")
            sys.stdout.flush()
    finally:
        provider.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
