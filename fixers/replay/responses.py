"""The Responses API told as chat completions and back, so that one recording answers harnesses of either kind. No I/O.

https://platform.openai.com/docs/api-reference/responses
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

#: By the API's name for it, chat completions' name.
_SETTINGS = {
    "model": "model",
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_completion_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
}
_TEXT_PARTS = frozenset({"input_text", "output_text", "text"})
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
ANSWER_ID = "resp_replay"

Json = dict[str, Any]


def as_chat(asked: Mapping[str, Any], *, before: Sequence[Json] = ()) -> Json:
    """Return the chat completions request that asks the same.

    Parameters
    ----------
    asked
        A request to /v1/responses.
    before
        What was said until the answer that `previous_response_id` names.

    """
    chat = {_SETTINGS[key]: asked[key] for key in _SETTINGS if asked.get(key) is not None}
    instructions = asked.get("instructions")
    head = [{"role": "system", "content": instructions}] if isinstance(instructions, str) and instructions else []
    chat["messages"] = [*head, *said(asked, before=before)]
    tools = [_chat_tool(tool) for tool in _list(asked.get("tools"))]
    chosen = _mapping(asked.get("tool_choice"))
    choice = {"type": "function", "function": {"name": chosen.get("name")}} if chosen else asked.get("tool_choice")
    wanted = {"tools": tools, "tool_choice": choice, "response_format": _response_format(asked)}
    return chat | {key: value for key, value in wanted.items() if value}


def said(asked: Mapping[str, Any], *, before: Sequence[Json] = ()) -> list[Json]:
    """Return the messages of a request as chat completions have them, without its instructions."""
    given = asked.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else _list(given)
    messages = list(before)
    for item in items:
        _add(messages, item)
    return messages


def message_of(completion: Mapping[str, Any]) -> Json:
    """Return the message of a completion's first choice."""
    choices = _list(completion.get("choices"))
    return _mapping(choices[0].get("message")) if choices else {}


def as_response(completion: Mapping[str, Any], asked: Mapping[str, Any], *, answer_id: str) -> Json:
    """Return a completion as the answer to a request to /v1/responses."""
    choices = _list(completion.get("choices"))
    cut = _CUT.get(str(choices[0].get("finish_reason"))) if choices else None
    usage = _mapping(completion.get("usage"))
    return {
        "id": answer_id,
        "object": "response",
        "created_at": completion.get("created", 0),
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": asked.get("instructions"),
        "metadata": asked.get("metadata") or {},
        "model": completion.get("model") or str(asked.get("model", "")),
        "output": list(_output(message_of(completion), answer_id)),
        "parallel_tool_calls": asked.get("parallel_tool_calls", True),
        "previous_response_id": asked.get("previous_response_id"),
        "temperature": asked.get("temperature"),
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "top_p": asked.get("top_p"),
        "usage": _usage(usage) if usage else None,
    }


def as_completion(response: Mapping[str, Any]) -> Json:
    """Return a recorded answer of /v1/responses as a completion."""
    messages: list[Json] = []
    for item in _list(response.get("output")):
        _add(messages, item)
    message = messages[-1] if messages else {"role": "assistant", "content": ""}
    reason = _mapping(response.get("incomplete_details")).get("reason")
    finish = next((name for name, cut in _CUT.items() if cut == reason), None)
    usage = _mapping(response.get("usage"))
    counts = {"prompt_tokens": usage.get("input_tokens", 0), "completion_tokens": usage.get("output_tokens", 0)}
    likely = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": response.get("id") or "chatcmpl-replay",
        "object": "chat.completion",
        "created": int(response.get("created_at") or 0),
        "model": response.get("model") or "",
        "choices": [{"index": 0, "message": message, "finish_reason": finish or likely}],
        "usage": counts | {"total_tokens": sum(counts.values())},
    }


def response_events(response: Mapping[str, Any]) -> bytes:
    """Return an answer as the server-sent events of `stream=true`."""
    events = enumerate(_events(response))
    return b"".join(
        f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, "sequence_number": number, **event}) + b"\n\n"
        for number, (kind, event) in events
    )


def _events(response: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield "response.created", {"response": begun}
    yield "response.in_progress", {"response": begun}
    for place, item in enumerate(response["output"]):
        at = {"output_index": place, "item_id": item["id"]}
        empty: Json = {"content": []} if item["type"] == "message" else {"arguments": ""}
        added = {**item, **empty, "status": "in_progress"}
        yield "response.output_item.added", {"output_index": place, "item": added}
        yield from _part_events(item, at) if item["type"] == "message" else _call_events(item, at)
        yield "response.output_item.done", {"output_index": place, "item": item}
    yield f"response.{response['status']}", {"response": dict(response)}


def _part_events(item: Mapping[str, Any], at: Json) -> Iterator[tuple[str, Json]]:
    for place, part in enumerate(item["content"]):
        kind = "refusal" if part["type"] == "refusal" else "text"
        name = "refusal" if kind == "refusal" else "output_text"
        more: Json = {} if kind == "refusal" else {"logprobs": []}
        here = {**at, "content_index": place}
        yield "response.content_part.added", {**here, "part": {**part, kind: ""}}
        yield f"response.{name}.delta", {**here, "delta": part[kind], **more}
        yield f"response.{name}.done", {**here, kind: part[kind], **more}
        yield "response.content_part.done", {**here, "part": part}


def _call_events(item: Mapping[str, Any], at: Json) -> Iterator[tuple[str, Json]]:
    yield "response.function_call_arguments.delta", {**at, "delta": item["arguments"]}
    done = {**at, "name": item["name"], "arguments": item["arguments"]}
    yield "response.function_call_arguments.done", done


def _add(messages: list[Json], item: Mapping[str, Any]) -> None:
    """Add what one item says; calls join what the model said just before."""
    kind = item.get("type", "message")
    if kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        if not (messages and messages[-1].get("role") == "assistant"):
            messages.append({"role": "assistant", "content": None})
        messages[-1] = {**messages[-1], "tool_calls": [*messages[-1].get("tool_calls", []), call]}
    elif kind == "function_call_output":
        output = _content(item.get("output"))
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": output})
    elif kind == "message":
        messages.append({"role": item.get("role", "user"), "content": _content(item.get("content"))})
    elif kind != "reasoning":  # that is the provider's own, and differs each time
        messages.append({"role": "assistant", "content": [dict(item)]})


def _content(content: object) -> object:
    """Return parts as chat completions have them; a text alone as a text."""
    if not isinstance(content, list):
        return content
    parts = [part for part in content if isinstance(part, dict)]
    if all(part.get("type") in _TEXT_PARTS for part in parts):
        return "\n".join(str(part.get("text", "")) for part in parts)
    return [_chat_part(part) for part in parts]


def _chat_part(part: Mapping[str, Any]) -> Json:
    if part.get("type") in _TEXT_PARTS:
        return {"type": "text", "text": part.get("text", "")}
    if part.get("type") == "refusal":
        return {"type": "text", "text": part.get("refusal", "")}
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    return dict(part)


def _chat_tool(tool: Mapping[str, Any]) -> Json:
    if tool.get("type") != "function":
        return dict(tool)
    keys = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {key: tool[key] for key in keys if tool.get(key) is not None}}


def _response_format(asked: Mapping[str, Any]) -> Json | None:
    wanted = _mapping(_mapping(asked.get("text")).get("format"))
    kind = wanted.get("type")
    if kind == "json_schema":
        return {"type": kind, "json_schema": {key: value for key, value in wanted.items() if key != "type"}}
    return {"type": kind} if kind == "json_object" else None


def _output(message: Mapping[str, Any], answer_id: str) -> Iterator[Json]:
    text, refusal = message.get("content"), message.get("refusal")
    parts: list[Json] = []
    if isinstance(text, str) and text:
        parts.append({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    done = {"status": "completed"}
    calls = _list(message.get("tool_calls"))
    if parts or not calls:
        yield {"type": "message", "id": f"msg_{answer_id}", "role": "assistant", "content": parts, **done}
    for place, call in enumerate(calls):
        function = _mapping(call.get("function"))
        told = {"name": str(function.get("name") or ""), "arguments": str(function.get("arguments") or "")}
        call_id = str(call.get("id") or f"call_{place}")
        yield {"type": "function_call", "id": f"fc_{answer_id}_{place}", "call_id": call_id, **told, **done}


def _usage(usage: Mapping[str, Any]) -> Json:
    asked, answered = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    cached = _mapping(usage.get("prompt_tokens_details")).get("cached_tokens") or 0
    reasoning = _mapping(usage.get("completion_tokens_details")).get("reasoning_tokens") or 0
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": answered,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": usage.get("total_tokens") or asked + answered,
    }


def _list(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}
