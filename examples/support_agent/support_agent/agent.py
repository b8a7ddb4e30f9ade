"""The loop: ask the model, run the tools it calls, until it answers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openai import OpenAI
from opentelemetry import trace

from support_agent.client import model_name
from support_agent.context import truncate
from support_agent.prompts import system_prompt
from support_agent.schemas import TOOLS
from support_agent.telemetry import conversation_span, tool_span
from support_agent.tools import ToolError, Tools

MAX_STEPS = 6


@dataclass(frozen=True)
class Reply:
    """The last answer, and the span that a rating of it belongs to."""

    answer: str
    span: trace.SpanContext


class SupportAgent:
    """Answers customers with a model and the shop's tools."""

    def __init__(self, client: OpenAI, tools: Tools) -> None:
        self.client = client
        self.tools = tools

    def converse(self, turns: Sequence[str], *, session_id: str, user_id: str) -> Reply:
        """Answer the customer's turns one after the other."""
        with conversation_span(turns, session_id=session_id, user_id=user_id) as span:
            messages: list[dict[str, Any]] = [{"role": "system", "content": system_prompt()}]
            answer = ""
            for turn in turns:
                messages.append({"role": "user", "content": turn})
                answer = self.answer(messages)
                messages.append({"role": "assistant", "content": answer})
            span.set_attribute("output.value", answer)
            return Reply(answer=answer, span=span.get_span_context())

    def answer(self, messages: list[dict[str, Any]]) -> str:
        """Return the model's answer to the last message; what it calls on the way is added to `messages`."""
        for _ in range(MAX_STEPS):
            completion = self.client.chat.completions.create(
                model=model_name(),
                messages=truncate(messages),  # type: ignore[arg-type]  # plain dicts
                tools=TOOLS,  # type: ignore[arg-type]  # plain dicts
            )
            message = completion.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message.model_dump(exclude_none=True))
            messages.extend(self.run_tools(message.tool_calls))
        return ""

    def run_tools(self, calls: Sequence[Any]) -> list[dict[str, Any]]:
        """Run the calls and return one tool message for each."""
        results: dict[str, str] = {}
        for call in calls:
            arguments = json.loads(call.function.arguments)
            results[call.function.name] = self.run_tool(call.id, call.function.name, arguments)
        return [{"role": "tool", "tool_call_id": call.id, "content": results[call.function.name]} for call in calls]

    def run_tool(self, call_id: str, name: str, arguments: dict[str, Any]) -> str:
        """Run one tool and return its result as JSON; a refusal is a result too."""
        with tool_span(call_id, name, arguments) as span:
            try:
                result = json.dumps(self.tools.call(name, arguments))
            except ToolError as error:
                span.record_exception(error)
                span.set_status(trace.StatusCode.ERROR, str(error))
                result = json.dumps({"error": str(error)})
            span.set_attribute("output.value", result)
            return result
