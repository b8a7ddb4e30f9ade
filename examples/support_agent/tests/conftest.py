"""A stub of the model provider's client, and a toolbox on a new database."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from support_agent import database
from support_agent.tools import Toolbox


class StubClient:
    """Answers with the given completions, one after the other, and keeps the requests."""

    def __init__(self, *replies: ChatCompletion) -> None:
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))

    def create(self, **request: Any) -> ChatCompletion:  # noqa: ANN401  # whatever the agent sends
        self.requests.append({**request, "messages": list(request["messages"])})
        return self.replies.pop(0)


def says(text: str) -> ChatCompletion:
    return _completion({"role": "assistant", "content": text}, "stop")


def calls(*tools: tuple[str, dict[str, Any]]) -> ChatCompletion:
    tool_calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for number, (name, arguments) in enumerate(tools)
    ]
    return _completion({"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls")


def _completion(message: dict[str, Any], finish_reason: str) -> ChatCompletion:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    return ChatCompletion.model_validate(
        {"id": "c", "object": "chat.completion", "created": 0, "model": "stub", "choices": [choice]}
    )


@pytest.fixture
def toolbox() -> Toolbox:
    return Toolbox(database.connect(":memory:"), customer_id="c-001")
