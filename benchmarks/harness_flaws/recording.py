"""Keep what a model is asked and answers, a line for each answer; `tests/recorded_model.py` plays it back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import openai

from fixers.model import Model, OpenAIModel, Reply

TIMEOUT_S = 36_000.0  # who answers may be a person, or a model that a person starts


@dataclass(kw_only=True)
class Recorder:
    """A model that writes a line for each answer of the one behind it: the messages that are new, tools, the answer."""

    model: Model
    name: str
    #: JSON lines; written anew.
    file: Path
    _before: list[Any] = field(default_factory=list)
    _tools: list[Any] = field(default_factory=list)

    @classmethod
    def to_endpoint(cls, file: Path, *, model: str) -> Self:
        """Record the endpoint that OPENAI_BASE_URL and OPENAI_API_KEY name."""
        client = openai.OpenAI(timeout=TIMEOUT_S, max_retries=0)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        return cls(model=OpenAIModel(client=client, name=model), name=model, file=file)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """Ask the model behind, and keep both sides."""
        reply = self.model.complete(messages, tools)
        asked, offered = list(messages), list(tools)
        known = len(self._before) if asked[: len(self._before)] == self._before else 0
        calls = [{"name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
        line = {
            "model": self.name,
            # Messages of the line before that this request begins with.
            "known": known,
            "messages": asked[known:],
            "tools": None if offered == self._tools else offered,
            "reply": {"content": reply.content or None, "tool_calls": calls},
        }
        self._before, self._tools = asked, offered
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return reply
