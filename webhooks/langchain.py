"""Read the messages that LangChain writes: objects by their constructor, in lists of lists, and generations."""

from collections.abc import Iterator, Mapping
from typing import Any

from webhooks.attributes import mapping

MAX_DEPTH = 4  # batch, prompt, generation, message
#: Ends of LangChain's class names -> the type that its message does not always name.
TYPES = {"HumanMessage": "human", "AIMessage": "ai", "SystemMessage": "system", "ToolMessage": "tool"}


def messages_of(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a LangChain run's inputs or outputs; empty for any other run's."""
    found = values.get("messages", values.get("generations"))
    if not isinstance(found, list) or not _is_langchain(found):
        return []
    return list(_messages(found, MAX_DEPTH))


def _is_langchain(found: list[Any]) -> bool:
    return any(
        isinstance(item, list) or (isinstance(item, dict) and ("lc" in item or "text" in item)) for item in found
    )


def _messages(value: object, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(value, list) and depth:
        for item in value:
            yield from _messages(item, depth - 1)
    elif isinstance(value, dict):
        yield _message(value)


def _message(value: dict[str, Any]) -> dict[str, Any]:
    """Return a message as its fields; of a generation, the message in it or its plain text."""
    inner = value.get("message")
    if isinstance(inner, dict):
        reason = mapping(value.get("generation_info")).get("finish_reason")
        return {**_message(inner), **({"finish_reason": reason} if reason else {})}
    fields = mapping(value.get("kwargs")) or value
    class_name = value["id"][-1] if isinstance(value.get("id"), list) and value["id"] else ""
    named = next((kind for end, kind in TYPES.items() if str(class_name).startswith(end)), None)
    return {**({"type": named} if named else {}), **fields}
