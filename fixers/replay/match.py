"""Say whether two calls are the same by what they contain: ids, spacing and the order of keys do not count.

With a `Tolerance`, neither do ids and clocks of the run's own making.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from fixers.replay.tolerance import Tolerance

MAX_DEPTH = 100  # of nested JSON; beyond it a stranger means to exhaust the stack


def model_fingerprint(request: Mapping[str, Any], tolerance: Tolerance | None = None) -> str:
    """Return 64 hex digits that two chat completions requests share when a model could not tell them apart.

    Messages, tools and response_format count. The model's name, sampling settings and `stream` do not: they change how
    the answer is drawn or sent, not what was asked.
    """
    messages = request.get("messages")
    places: dict[str, str] = {}
    asked = [_message(message, places) for message in messages] if isinstance(messages, list) else messages
    return _digest([asked, request.get("tools") or None, request.get("response_format")], tolerance)


def tool_fingerprint(name: str, arguments: object, tolerance: Tolerance | None = None) -> str:
    """Return 64 hex digits that two runs of a tool share; arguments count as JSON, given as text or as values."""
    return _digest([name, _arguments(arguments)], tolerance)


def _message(message: object, places: dict[str, str]) -> object:
    """Keep what a model sees of a message; `places` gives each tool call id its place in the conversation instead."""
    if not isinstance(message, dict):
        return message
    role = "system" if message.get("role") == "developer" else message.get("role")  # newer models' name for it
    seen: dict[str, object] = {"role": role, "content": _content(message.get("content"))}
    if message.get("name"):
        seen["name"] = message["name"]
    if isinstance(message.get("tool_calls"), list) and message["tool_calls"]:
        seen["tool_calls"] = [_tool_call(call, places) for call in message["tool_calls"]]
    if message.get("tool_call_id") is not None:
        seen["tool_call_id"] = _place(message["tool_call_id"], places)
    return seen


def _content(content: object) -> object:
    """Return text as text, also when it came in parts; anything else as it is."""
    if not content:
        return ""
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "\n".join(str(part.get("text", "")) for part in content)
    return content


def _tool_call(call: object, places: dict[str, str]) -> object:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return call
    return [_place(call.get("id"), places), function.get("name"), _arguments(function.get("arguments"))]


def _place(call_id: object, places: dict[str, str]) -> str:
    return places.setdefault(str(call_id), f"call {len(places)}")


def _arguments(arguments: object) -> object:
    """Return arguments as JSON values; text that is not JSON stays text, so that malformed arguments match too."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments.strip()


def _digest(value: object, tolerance: Tolerance | None) -> str:
    text = json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    text = tolerance.masked(text) if tolerance else text
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _whole(value: object, depth: int = 0) -> object:
    """Return the value with 2.0 as 2: JSON has one kind of number, Python's writer two."""
    if depth > MAX_DEPTH:
        return "deeper"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _whole(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item, depth + 1) for item in value]
    return value
