"""Completions as an OpenAI-compatible endpoint sends them: whole, or as server-sent events. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

MAX_RETRY_AFTER_S = 1.0  # a replay need not wait as long as production had to


def completion(body: Mapping[str, Any], *, model: str) -> dict[str, Any]:
    """Return a recorded completion with the fields that clients require and a recording may lack."""
    return {"id": "chatcmpl-replay", "object": "chat.completion", "created": 0, "model": model, **body}


def events(body: Mapping[str, Any], *, include_usage: bool) -> bytes:
    """Return a completion as the server-sent events of `stream=true`."""
    head = {"id": body["id"], "object": "chat.completion.chunk", "created": body["created"], "model": body["model"]}
    chunks = [{**head, "choices": [choice]} for choice in _chunk_choices(body)]
    if include_usage:
        chunks.append({**head, "choices": [], "usage": body.get("usage")})
    return b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def capped_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a recorded error that are sent again: Retry-After, and not a long one."""
    wait_s = retry_after_s(headers)
    return {} if wait_s is None else {"retry-after": f"{scaled_s(wait_s):g}"}


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that recorded headers ask to wait for; None when they do not."""
    wait = next((value for key, value in headers.items() if key.lower() == "retry-after"), None)
    try:
        return None if wait is None else max(0.0, float(wait))
    except ValueError:  # a date, which has passed
        return 0.0


def scaled_s(wait_s: float) -> float:
    """Return the seconds that a replay waits where production waited for so many."""
    return min(wait_s, MAX_RETRY_AFTER_S)


def _chunk_choices(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        message = choice.get("message") or {}
        calls = [{"index": place, **call} for place, call in enumerate(message.get("tool_calls") or [])]
        delta = {"role": "assistant", "content": message.get("content"), **({"tool_calls": calls} if calls else {})}
        index = choice.get("index", 0)
        yield {"index": index, "delta": delta, "finish_reason": None}
        yield {"index": index, "delta": {}, "finish_reason": choice.get("finish_reason") or "stop"}
