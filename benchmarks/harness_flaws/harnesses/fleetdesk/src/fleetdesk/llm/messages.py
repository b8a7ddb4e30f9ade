"""Messages of a conversation, as plain dicts in the shape that chat completions have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One tool call of the model."""

    call_id: str
    name: str
    #: As the model wrote them.
    arguments: str


@dataclass(frozen=True)
class Answer:
    """What the model answered to one request."""

    content: str
    calls: tuple[Call, ...]
    finish_reason: str
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def message(self) -> Message:
        """The message that goes into the conversation."""
        made: Message = {"role": "assistant", "content": self.content or None}
        if self.calls:
            made["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.calls
            ]
        return made


def system(text: str) -> Message:
    return {"role": "system", "content": text}


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def result(call_id: str, text: str) -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def is_turn_start(message: Mapping[str, Any]) -> bool:
    """Whether a person begins to speak here: the only place where a conversation may be cut."""
    return message["role"] == "user"


def turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Split a conversation, without its system message, into turns: a person's words and all that they led to."""
    found: list[list[Message]] = []
    for message in messages:
        if is_turn_start(message) or not found:
            found.append([])
        found[-1].append(message)
    return found


def joined(groups: Iterable[Sequence[Message]]) -> list[Message]:
    return [message for group in groups for message in group]


def read_answer(completion: Any) -> Answer:
    """Read a chat completion of the `openai` client."""
    choice = completion.choices[0]
    usage = completion.usage
    calls = tuple(
        Call(call_id=each.id, name=each.function.name, arguments=each.function.arguments)
        for each in choice.message.tool_calls or ()
    )
    return Answer(
        content=choice.message.content or "",
        calls=calls,
        finish_reason=choice.finish_reason or "",
        input_tokens=usage.prompt_tokens if usage else 0,
        output_tokens=usage.completion_tokens if usage else 0,
    )
