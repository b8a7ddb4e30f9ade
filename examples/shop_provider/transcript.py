"""Read the messages of a chat-completions request as the model does: rules, question, what the tools said so far."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Message: TypeAlias = Mapping[str, Any]

#: What harnesses write when they want an end.
WRAP_UP = re.compile(
    r"wrap up|final answer|no more tool|without (?:any |more |calling )*tools?|step limit|out of steps|answer now",
    re.IGNORECASE,
)
#: What harnesses write when they could not read a reply.
COMPLAINT = re.compile(r"\bJSON\b|tool arguments|(?:malformed|invalid) arguments", re.IGNORECASE)
REFUSAL = re.compile(r"\W*(?:tool )?(?:error|invalid|could not)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """One tool call of the current turn and the tool message that answers it."""

    name: str
    #: None when the model's own arguments were not a JSON object.
    arguments: Mapping[str, Any] | None
    #: The result as JSON where it is JSON, otherwise its text.
    content: Any

    @property
    def error(self) -> str | None:
        """What the tool refused, or None."""
        if isinstance(self.content, Mapping):
            error = self.content.get("error")
            return None if error is None else str(error)
        if isinstance(self.content, str) and REFUSAL.match(self.content):
            return self.content
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What the model makes of the messages it is sent."""

    #: All system and developer messages; empty when there are none.
    rules: str
    #: The customer's first message: what a conversation is told apart by.
    first_turn: str
    #: The customer's last message.
    question: str
    #: Results since that message, oldest first.
    results: tuple[ToolResult, ...]
    #: The harness asks for an answer without further tools.
    wrap_up: bool
    #: Nothing but rules and one question so far.
    is_opening: bool
    #: The harness asked again after a reply that it could not read.
    was_corrected: bool


def read(messages: Sequence[Message]) -> Transcript:
    """Read the messages; what they say is never checked here, see `validate`."""
    customer = [
        index for index, message in enumerate(messages) if message["role"] == "user" and not _nudge(messages, index)
    ]
    question = customer[-1] if customer else -1
    after = messages[question + 1 :]
    nudges = [nudge for index in range(question + 1, len(messages)) if (nudge := _nudge(messages, index))]
    return Transcript(
        rules="\n".join(_text(message) for message in messages if message["role"] in {"system", "developer"}),
        first_turn=_text(messages[customer[0]]) if customer else "",
        question=_text(messages[question]) if customer else "",
        results=_results(after),
        wrap_up=any(not COMPLAINT.search(nudge) for nudge in nudges),
        is_opening=len(customer) == 1 and not any(message["role"] == "assistant" for message in messages),
        was_corrected=bool(nudges),
    )


def _nudge(messages: Sequence[Message], index: int) -> str | None:
    """Return what the harness itself says to the model in this message, or None; customers speak after an answer."""
    role, text = messages[index]["role"], _text(messages[index])
    if role not in {"user", "system", "developer"}:
        return None
    after_a_tool = role == "user" and index > 0 and messages[index - 1]["role"] == "tool"
    told = index > 1 and (WRAP_UP.search(text) or COMPLAINT.search(text))
    return text if after_a_tool or told else None


def validate(messages: Sequence[Message]) -> str | None:
    """Return what OpenAI answers with status 400, or None when every tool call has its result right after it."""
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                return (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with"
                    " 'tool_calls'."
                )
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
    if waiting:
        return (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            f" 'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        )
    return None


def _results(messages: Sequence[Message]) -> tuple[ToolResult, ...]:
    calls = {call["id"]: call["function"] for message in messages for call in message.get("tool_calls") or ()}
    return tuple(
        ToolResult(
            name=calls[message["tool_call_id"]]["name"],
            arguments=_object(calls[message["tool_call_id"]]["arguments"]),
            content=_json(_text(message)),
        )
        for message in messages
        if message["role"] == "tool" and message["tool_call_id"] in calls
    )


def _text(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object(text: str) -> Mapping[str, Any] | None:
    value = _json(text)
    return value if isinstance(value, Mapping) else None
