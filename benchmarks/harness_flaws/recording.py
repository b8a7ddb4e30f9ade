"""Keep what a model is asked and answers, in the shape that `tests/recorded_model.py` plays back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import openai

from fixers.model import Model, OpenAIModel, Reply

TIMEOUT_S = 3600.0  # who answers may be a person, or a model that a person starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """A model that writes NNNN.request.json and NNNN.reply.json for each answer of the one behind it."""

    model: Model
    name: str
    folder: Path

    @classmethod
    def to_endpoint(cls, folder: Path, *, model: str) -> Self:
        """Record the endpoint that OPENAI_BASE_URL and OPENAI_API_KEY name."""
        client = openai.OpenAI(timeout=TIMEOUT_S, max_retries=0)
        return cls(model=OpenAIModel(client=client, name=model), name=model, folder=folder)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """Ask the model behind, and keep both sides."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self.folder.glob("*.request.json"))) + 1
        request = {"model": self.name, "messages": list(messages), "tools": list(tools)}
        self._write(f"{number:04d}.request.json", request)
        reply = self.model.complete(messages, tools)
        calls = [{"name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
        self._write(f"{number:04d}.reply.json", {"content": reply.content or None, "tool_calls": calls})
        return reply

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        (self.folder / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
