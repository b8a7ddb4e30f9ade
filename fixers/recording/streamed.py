"""Streamed answers of a model, put together as they would have come in one piece. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Json = dict[str, Any]
DONE = b"[DONE]"
#: Events that end a stream of the Responses API.
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


def is_stream(content_type: str, body: bytes) -> bool:
    """Whether the body is server-sent events, whatever an imitation of the API calls them."""
    return content_type.lower().startswith("text/event-stream") or body.startswith((b"data:", b"event:", b": "))


def response_of(body: bytes) -> Json | None:
    """Return the answer of the Responses API that a stream ends with; None when it does not."""
    for event in _events(body):
        if event.get("type") in ENDS and isinstance(event.get("response"), dict):
            return dict(event["response"])
    return None


def completion_of(body: bytes) -> Json | None:
    """Return the completion that the chunks of a stream make; None when it broke off, or tells an error."""
    whole: Json = {}
    choices: dict[int, Json] = {}
    for chunk in _events(body):
        if "error" in chunk:
            return None
        whole |= {key: value for key, value in chunk.items() if key != "choices" and value is not None}
        for part in _objects(chunk.get("choices")):
            _add(choices.setdefault(int(part.get("index") or 0), {}), part)
    if not choices or not all(choice.get("finish_reason") for choice in choices.values()):
        return None
    made = [{"index": index, **_finished(choices[index])} for index in sorted(choices)]
    return {**whole, "object": "chat.completion", "choices": made}


def _add(choice: Json, part: Mapping[str, Any]) -> None:
    """Add one chunk's part to a choice."""
    message = choice.setdefault("message", {"role": "assistant", "content": None})
    delta = part.get("delta")
    for key, value in delta.items() if isinstance(delta, dict) else ():
        if key == "tool_calls":
            _add_calls(message.setdefault("tool_calls", {}), _objects(value))
        elif isinstance(value, str) and key != "role":
            message[key] = (message.get(key) or "") + value
        elif value is not None:
            message[key] = value
    if part.get("finish_reason"):
        choice["finish_reason"] = part["finish_reason"]


def _add_calls(calls: dict[int, Json], parts: list[Json]) -> None:
    for part in parts:
        index = part.get("index")
        # Some imitations send each call whole and number none of them.
        place = index if isinstance(index, int) else len(calls)
        call = calls.setdefault(place, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        call["id"] = part.get("id") or call["id"]
        told = part.get("function")
        for key in ("name", "arguments"):
            call["function"][key] += str((told.get(key) if isinstance(told, dict) else None) or "")


def _finished(choice: Json) -> Json:
    calls = choice["message"].get("tool_calls")
    if calls:
        choice["message"]["tool_calls"] = [calls[place] for place in sorted(calls)]
    return choice


def _events(body: bytes) -> Iterator[Json]:
    """Yield the JSON objects of a stream's events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")]
        data = b"\n".join(lines)
        if data == DONE:
            return
        try:
            event = orjson.loads(data) if data else None
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
