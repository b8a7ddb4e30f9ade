"""Message and ToolCall: what was said to and by a model, read from any provider's shape. No attribute keys here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhooks.attributes import first, first_text, mapping, parsed, sequence, text

# Part types, with "-" read as "_": GenAI conventions, OpenAI, Anthropic and Vercel's AI SDK, in this order.
TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal"})
REASONING_PARTS = frozenset({"reasoning", "thinking", "redacted_thinking"})
CALL_PARTS = frozenset({"tool_call", "tool_use"})
RESULT_PARTS = frozenset({"tool_call_response", "tool_result"})
#: LangChain names its messages' types where others name roles.
ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model's wish to have a tool run."""

    id: str
    name: str
    #: As the model sent it: JSON when all went well, anything otherwise.
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation with a model."""

    #: "system", "user", "assistant" or "tool", or what the source says when it is none of them.
    role: str
    #: The text parts, one per line; a part that is not text shows as its type in brackets.
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    #: The call that a tool message answers.
    tool_call_id: str | None = None


def read_messages(value: object, *, role: str) -> list[Message]:
    """Read a list of messages, one message or a plain text; `role` is given to what has none of its own."""
    found = parsed(value)
    if isinstance(found, dict) and isinstance(found.get("messages"), list):
        found = found["messages"]
    if isinstance(found, str):
        return [Message(role=role, content=found)]
    items = found if isinstance(found, list) else [found]
    return [message for item in items for message in read_message(item, role=role)]


def read_message(value: object, *, role: str) -> list[Message]:
    """Read one message; several when it holds the results of several tool calls, none when it is not a message."""
    item = mapping(value)
    if not any(key in item for key in ("role", "content", "parts", "text", "tool_calls")):
        return []
    role = text(first(item, ("role", "type"))) or role
    role = ROLES.get(role, role)
    content = first(item, ("parts", "content", "text"))
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    results = [_result(part) for part in parts if _kind(part) in RESULT_PARTS]
    called = item.get("tool_calls") or mapping(item.get("additional_kwargs")).get("tool_calls")  # the latter: LangChain
    calls = (*_calls(called), *(_call(part) for part in parts if _kind(part) in CALL_PARTS))
    said = parts_text(parts) if isinstance(content, list) else text(content) or ""
    if results and not said and not calls:
        return results
    answered = first_text(item, ("tool_call_id", "toolCallId"))
    return [Message(role=role, content=said, tool_calls=calls, tool_call_id=answered), *results]


def parts_text(parts: Iterable[Mapping[str, Any]]) -> str:
    """Return what the parts of a message say, one line each; tool calls, their results and reasoning left out."""
    return "\n".join(line for part in parts if (line := _line(part)))


def as_openai(message: Message) -> dict[str, Any]:
    """Return the message as the chat completions API takes it."""
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["content"] = message.content or None
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def _kind(part: Mapping[str, Any]) -> str:
    named = part.get("type")
    if isinstance(named, str):
        return named.replace("-", "_")
    return "text" if "text" in part else ""


def _line(part: Mapping[str, Any]) -> str:
    kind = _kind(part)
    if kind in TEXT_PARTS:
        return first_text(part, ("content", "text", "refusal")) or ""
    if kind in REASONING_PARTS | CALL_PARTS | RESULT_PARTS:
        return ""
    return f"[{kind}]" if kind else ""


def _calls(value: object) -> list[ToolCall]:
    return [_call(item) for item in sequence(value) if isinstance(item, dict)]


def _call(item: Mapping[str, Any]) -> ToolCall:
    function = mapping(item.get("function")) or item
    return ToolCall(
        id=first_text(item, ("id", "toolCallId")) or "",
        name=first_text(function, ("name", "toolName")) or "",
        arguments=first_text(function, ("arguments", "args", "input")) or "",
    )


def _result(part: Mapping[str, Any]) -> Message:
    value = first(part, ("response", "result", "output", "content"))
    if isinstance(value, list) and value and all(isinstance(item, dict) and "type" in item for item in value):
        value = parts_text(value)
    answered = first_text(part, ("id", "tool_use_id", "toolCallId"))
    return Message(role="tool", content=text(value) or "", tool_call_id=answered)
