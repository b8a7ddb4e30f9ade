"""Read what the OpenAI Agents SDK exports: traces without a time of their own, and spans, children first. No I/O.

A trace becomes the root span, which never ends; its spans arrive for as long as the run lasts.

https://openai.github.io/openai-agents-python/tracing/
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from webhooks.attributes import mapping, text
from webhooks.errors import Undecodable
from webhooks.iso_time import RECEIVED_AT, read_time
from webhooks.json_body import objects, read_object, write_json
from webhooks.otlp_fields import shown
from webhooks.trace import Event, Span, StatusCode

#: span_data.type -> gen_ai.operation.name.
OPERATIONS = {"agent": "invoke_agent", "generation": "chat", "response": "chat", "function": "execute_tool"}
# What the SDK gives to the model in a failed tool's place: agents.tool.default_tool_error_function
TOOL_FAILED = "An error occurred while running the tool"


def decode(body: bytes) -> list[Span]:
    """Return the traces and spans of an export.

    Parameters
    ----------
    body
        As sent, with the time of its arrival added under `received_at`, because a trace has no time of its own.

    Raises
    ------
    Undecodable
        When the body is no export, or a span has no id, trace or time.

    """
    export = read_object(body, name="an export of the OpenAI Agents SDK")
    received_at = export.get(RECEIVED_AT)
    items = objects(export.get("data"), name="data")
    return [span for item in items for span in _spans(item, received_at)]


def stamped(body: bytes, received_at: str) -> bytes:
    """Return the export with the time of its arrival in it."""
    return write_json({**read_object(body, name="an export of the OpenAI Agents SDK"), RECEIVED_AT: received_at})


def _spans(item: dict[str, Any], received_at: object) -> Iterator[Span]:
    if item.get("object") == "trace":
        yield _root(item, received_at)
        return
    span = _span(item)
    yield span
    if span.parent_span_id == span.trace_id:  # the trace began no later than this span of its top level
        begun = f"{span.trace_id}/{span.span_id}"
        yield Span(trace_id=span.trace_id, span_id=begun, name="", start=span.start, completes=span.trace_id)


def _root(trace: dict[str, Any], received_at: object) -> Span:
    trace_id = _id(trace, "id")
    time = read_time(received_at)
    if time is None:
        raise Undecodable(f"the export with trace {shown(trace_id)} does not say when it was received")
    name = text(trace.get("workflow_name")) or "trace"
    metadata = mapping(trace.get("metadata"))
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "session.id": text(trace.get("group_id")),
        "user.id": text(metadata.get("user_id")),
        **{f"metadata.{key}": value for key, value in metadata.items()},
    }
    return Span(
        trace_id=trace_id,
        # A record, so that its time of arrival, which is late, gives way to that of the first span.
        span_id=f"{trace_id}/{hashlib.sha256(write_json(trace, sort=True)).hexdigest()[:16]}",
        name=name,
        start=time,
        attributes=_present(attributes),
        resource={"service.name": name},
        scope="openai-agents",
        completes=trace_id,
    )


def _span(item: dict[str, Any]) -> Span:
    trace_id = _id(item, "trace_id")
    data = mapping(item.get("span_data"))
    start = read_time(item.get("started_at")) or read_time(item.get("ended_at"))
    if start is None:
        raise Undecodable(f"span {shown(item.get('id'))} of the OpenAI Agents SDK says no time")
    end = read_time(item.get("ended_at"))
    kind = text(data.get("type")) or "custom"
    failure = _failure(item, data)
    return Span(
        trace_id=trace_id,
        span_id=_id(item, "id"),
        parent_span_id=text(item.get("parent_id")) or trace_id,
        name=text(data.get("name")) or kind,
        start=start,
        end=end,
        status=StatusCode.ERROR if failure else StatusCode.UNSET,
        status_message=failure.get("exception.message", ""),
        attributes=_attributes(kind, data),
        events=(Event(name="exception", time=end or start, attributes=failure),) if failure else (),
        scope="openai-agents",
    )


def _id(item: Mapping[str, Any], key: str) -> str:
    found = item.get(key)
    if not isinstance(found, str) or not found:
        raise Undecodable(f"{key} in an export of the OpenAI Agents SDK is not an id: {shown(found)}")
    return found


def _failure(item: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, str]:
    """Return the exception's attributes of a span that failed; empty for one that did not."""
    error = mapping(item.get("error"))
    details = mapping(error.get("data"))
    if error:
        said = text(details.get("error")) or ""
        message = ": ".join(part for part in (text(error.get("message")) or "", said) if part)
        return {"exception.type": text(error.get("message")) or "error", "exception.message": message}
    if data.get("type") == "guardrail" and data.get("triggered") is True:
        return {"exception.type": "GuardrailTripwireTriggered", "exception.message": text(data.get("name")) or ""}
    output = data.get("output")
    if data.get("type") == "function" and isinstance(output, str) and output.startswith(TOOL_FAILED):
        return {"exception.type": "ToolError", "exception.message": output}
    return {}


def _attributes(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    response = mapping(data.get("response"))
    usage = mapping(data.get("usage")) or mapping(response.get("usage"))
    called_model = kind in ("generation", "response")
    sent, answered = data.get("input"), data.get("output") or response.get("output")
    found = {
        "gen_ai.operation.name": OPERATIONS.get(kind),
        "input.value": text(sent),
        "output.value": text(answered),
        "gen_ai.input.messages": _messages(sent, "user") if called_model else None,
        "gen_ai.output.messages": _messages(answered, "assistant") if called_model else None,
        "gen_ai.tool.name": data.get("name") if kind == "function" else None,
        "gen_ai.request.model": data.get("model") or response.get("model"),
        "gen_ai.response.id": data.get("response_id"),
        "gen_ai.usage.input_tokens": usage.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output_tokens"),
        "openai.agents.span_type": kind,
        "openai.agents.triggered": data.get("triggered"),
        "openai.agents.from_agent": data.get("from_agent"),
        "openai.agents.to_agent": data.get("to_agent"),
        "openai.agents.data": data.get("data") or None,
    }
    return _present(found)


def _messages(value: object, role: str) -> list[dict[str, Any]]:
    """Return messages of chat completions as they are, and items of the Responses API as such messages."""
    items = [{"role": role, "content": value}] if isinstance(value, str) else value
    if not isinstance(items, list):
        return []
    return [_message(item, role) for item in items if isinstance(item, dict)]


def _message(item: dict[str, Any], role: str) -> dict[str, Any]:
    if item.get("type") == "function_call":
        called = {"id": item.get("call_id"), "name": item.get("name"), "arguments": item.get("arguments")}
        return {"role": "assistant", "content": "", "tool_calls": [called]}
    if item.get("type") == "function_call_output":
        return {"role": "tool", "content": text(item.get("output")) or "", "tool_call_id": item.get("call_id")}
    return {"role": role, **item}


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if value not in (None, "", [])}
