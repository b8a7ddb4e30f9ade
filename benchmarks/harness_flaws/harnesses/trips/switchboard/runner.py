"""Runner: one conversation of an agent with a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import openai

from switchboard import tracing
from switchboard.agent import Agent
from switchboard.memory import Memory
from switchboard.middleware import as_text, chain
from switchboard.tool import Tool, ToolError


class TurnsExceeded(Exception):
    """The model did not come to an answer."""


class Runner:
    """Runs an agent; a runner belongs to one conversation."""

    def __init__(self, agent: Agent, client: openai.OpenAI | None = None, memory: Memory | None = None) -> None:
        self.agent = agent
        self.client = client or openai.OpenAI(timeout=60.0, max_retries=3)
        self.memory = memory or Memory()
        self.messages: list[dict[str, Any]] = []

    def run(self, turns: Sequence[str], *, session_id: str, user_id: str) -> tuple[str, Any]:
        """Answer each turn; return the last answer and where its span is."""
        with tracing.agent_span(self.agent.name, turns, session_id, user_id) as span:
            answer = ""
            for turn in turns:
                self.messages.append({"role": "user", "content": turn})
                answer = self._answer()
            for guard in self.agent.guards:
                guard.check(answer)
            span.set_attribute("output.value", answer)
            return answer, span.get_span_context()

    def _answer(self) -> str:
        for _ in range(self.agent.settings.max_turns):
            message = self._ask()
            self.messages.append(message)
            if not message.get("tool_calls"):
                return message.get("content") or ""
            self.messages += [self._run(call) for call in message["tool_calls"]]
        raise TurnsExceeded(f"{self.agent.name} had {self.agent.settings.max_turns} turns and did not answer")

    def _ask(self) -> dict[str, Any]:
        settings = self.agent.settings
        instructions = "\n".join(filter(None, [self.agent.instructions, self.memory.told()]))
        request = {
            "model": settings.model,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "messages": [{"role": "system", "content": instructions}, *self.messages],
            "tools": [tool.schema for tool in self.agent.tools],
        }
        with tracing.chat_span(request) as span:
            completion = self.client.chat.completions.create(**request)
            choice = completion.choices[0]
            message = choice.message.model_dump(exclude_none=True)
            tracing.record_answer(span, message, choice.finish_reason, completion.usage)
        return {key: message[key] for key in ("role", "content", "tool_calls") if message.get(key)}

    def _run(self, call: Mapping[str, Any]) -> dict[str, Any]:
        name, text = call["function"]["name"], call["function"]["arguments"]
        found = self.agent.tool(name)
        try:
            arguments = json.loads(text or "{}")
        except ValueError:
            arguments = None
        if found is None or not isinstance(arguments, dict):
            content = json.dumps({"error": f"{name} cannot be called with {text!r}"})
        else:
            with tracing.tool_span(call["id"], found, arguments) as span:
                content = as_text(chain(self.agent.middleware, self._call)(found, arguments))
                span.set_attribute("gen_ai.tool.call.result", content)
        return {"role": "tool", "tool_call_id": call["id"], "content": content}

    def _call(self, tool: Tool, arguments: Mapping[str, Any]) -> Any:
        if "context" in tool.function.__code__.co_varnames[: tool.function.__code__.co_argcount]:
            return tool.function(context=self.memory, **arguments)
        return tool.function(**arguments)


__all__ = ["Runner", "ToolError", "TurnsExceeded"]
