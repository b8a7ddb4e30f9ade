"""Read an OTLP logs export request: GenAI's evaluations, exceptions and messages, and Claude Code's log. No I/O.

A record that names its span becomes an event of that span. One that names a model's answer instead, in the same trace
or without one, belongs to the span that got it. One that names only its trace belongs to the trace's root.
Claude Code sends no spans at all by default: its records become spans, one trace per prompt. All other log records are
not about agents, and are left out.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-events.md
https://code.claude.com/docs/en/monitoring-usage
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from webhooks import otlp_json, otlp_protobuf
from webhooks.attributes import number, text
from webhooks.errors import Undecodable
from webhooks.otlp_fields import MAX_SPANS, check_size, hex_id, moment
from webhooks.trace import RESPONSE, RESPONSE_ID, ROOT, Event, Span, StatusCode

EVENT_NAME = "event.name"
KEPT = ("gen_ai.", "exception")
# The name that GenAI's log event gives to what a span event calls "exception".
EXCEPTION_EVENT = "gen_ai.client.operation.exception"
CLAUDE_CODE = "claude_code."
#: Claude Code's event -> gen_ai.operation.name.
CLAUDE_CODE_OPERATIONS = {
    "user_prompt": "invoke_agent",
    "api_request": "chat",
    "api_error": "chat",
    "tool_result": "execute_tool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log record, as either encoding has it."""

    #: 32 lowercase hex digits; empty when the record belongs to no trace.
    trace_id: str
    #: 16 lowercase hex digits; empty when the record belongs to no span.
    span_id: str
    time: datetime
    event_name: str
    body: Any
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    scope: str


def decode_protobuf(body: bytes) -> list[Span]:
    """Return the records of an ExportLogsServiceRequest in protobuf as pieces of spans.

    Raises
    ------
    Undecodable
        When the body is no such message, or a record has a broken id or time.

    """
    return _spans(_read_protobuf(body))


def decode_json(body: bytes) -> list[Span]:
    """Return the records of an ExportLogsServiceRequest in JSON as pieces of spans.

    Raises
    ------
    Undecodable
        When the body is no such message, or a record has a broken id or time.

    """
    return _spans(_read_json(body))


def _read_protobuf(body: bytes) -> Iterator[LogRecord]:
    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable(f"not an OTLP logs export request in protobuf ({len(body)} bytes): {error}") from error
    for resource_logs in request.resource_logs:
        resource = otlp_protobuf.read_attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                attributes = otlp_protobuf.read_attributes([*record.attributes, KeyValue(key="", value=record.body)])
                yield LogRecord(
                    trace_id=_id(record.trace_id.hex(), name="trace_id", n_bytes=16),
                    span_id=_id(record.span_id.hex(), name="span_id", n_bytes=8),
                    time=_time(record.time_unix_nano or record.observed_time_unix_nano),
                    body=attributes.pop("", None),
                    event_name=record.event_name or text(attributes.get(EVENT_NAME)) or "",
                    attributes=attributes,
                    resource=resource,
                    scope=scope_logs.scope.name,
                )


def _read_json(body: bytes) -> Iterator[LogRecord]:
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"not JSON ({len(body)} bytes): {error}") from error
    if not isinstance(request, dict):
        raise Undecodable(f"not an OTLP logs export request: a JSON {type(request).__name__}")
    for resource_logs in otlp_json.read_objects(request, "resourceLogs"):
        resource = otlp_json.read_attributes(otlp_json.read_object(resource_logs, "resource"))
        for scope_logs in otlp_json.read_objects(resource_logs, "scopeLogs"):
            scope = otlp_json.read_text(otlp_json.read_object(scope_logs, "scope"), "name")
            for record in otlp_json.read_objects(scope_logs, "logRecords"):
                yield _json_record(record, resource=resource, scope=scope)


def _json_record(record: dict[str, Any], *, resource: Mapping[str, Any], scope: str) -> LogRecord:
    attributes = otlp_json.read_attributes(record)
    nanoseconds = otlp_json.read_integer(record, "timeUnixNano")
    return LogRecord(
        trace_id=_id(otlp_json.read_text(record, "traceId"), name="traceId", n_bytes=16),
        span_id=_id(otlp_json.read_text(record, "spanId"), name="spanId", n_bytes=8),
        time=_time(nanoseconds or otlp_json.read_integer(record, "observedTimeUnixNano")),
        event_name=otlp_json.read_text(record, "eventName") or text(attributes.get(EVENT_NAME)) or "",
        body=otlp_json.read_value(otlp_json.read_object(record, "body"), 0),
        attributes=attributes,
        resource=resource,
        scope=scope,
    )


def _id(digits: str, *, name: str, n_bytes: int) -> str:
    """Return an id; empty for a record outside of any trace, which some SDKs send with zeros."""
    return hex_id(digits, name=name, n_bytes=n_bytes) if digits.strip("0") else ""


def _time(nanoseconds: int) -> datetime:
    return moment(nanoseconds, name="the time of a log record")


def _spans(records: Iterator[LogRecord]) -> list[Span]:
    found = list(islice((span for record in records if (span := _span(record))), MAX_SPANS + 1))
    check_size(len(found), name="log records in a request", limit=MAX_SPANS)
    return found


def _span(record: LogRecord) -> Span | None:
    """Return a record as a piece of a span, or as a span; None when it is not about an agent."""
    name = _name(record)
    if name.startswith(CLAUDE_CODE):
        return _claude_code(record, name.removeprefix(CLAUDE_CODE))
    about_agent = name.startswith(KEPT) or "exception.type" in record.attributes
    found = _event_of_span(record, name) if about_agent else None
    return found if found and found.trace_id else None


def _name(record: LogRecord) -> str:
    """Return the name of the event; older SDKs have it in the body only, and Claude Code there with its prefix."""
    body = record.body if isinstance(record.body, str) else ""
    return body if body.startswith(CLAUDE_CODE) else record.event_name or body


def _event_of_span(record: LogRecord, name: str) -> Span:
    content = record.body if isinstance(record.body, Mapping) else {}
    answer = text(record.attributes.get(RESPONSE_ID)) or text(content.get(RESPONSE_ID))
    response = RESPONSE + answer if answer else ""
    completes = (record.trace_id and record.span_id) or response or ROOT
    raised = name == EXCEPTION_EVENT or "exception.type" in record.attributes
    event = Event(name="exception" if raised else name, time=record.time, attributes={**content, **record.attributes})
    return Span(
        trace_id=record.trace_id or response,
        span_id=f"{record.span_id or ROOT}/log-{_digest(record)}",
        name="",
        start=record.time,
        events=(event,),
        resource=record.resource,
        scope=record.scope,
        completes=completes,
    )


def _claude_code(record: LogRecord, name: str) -> Span | None:
    """Return what Claude Code logged as a span of the trace of its prompt."""
    attributes = record.attributes
    session = text(attributes.get("session.id")) or ""
    prompt = text(attributes.get("prompt.id")) or session
    if not prompt or name not in CLAUDE_CODE_OPERATIONS:
        return None
    trace_id = record.trace_id or hashlib.sha256(f"claude-code\0{session}\0{prompt}".encode()).hexdigest()[:32]
    root_id = trace_id[:16]
    is_root = name == "user_prompt"
    took = timedelta(milliseconds=min(max(number(attributes.get("duration_ms")) or 0, 0), 86_400_000))
    failed = name == "api_error" or text(attributes.get("success")) == "false"
    said = text(attributes.get("error")) or ""
    return Span(
        trace_id=trace_id,
        span_id=root_id if is_root else _digest(record)[:16],
        parent_span_id=None if is_root else root_id,
        name=text(attributes.get("tool_name")) or name,
        start=record.time - took,
        end=None if is_root else record.time,
        status=StatusCode.ERROR if failed else StatusCode.UNSET,
        status_message=said if failed else "",
        attributes={**attributes, **_claude_code_attributes(name, attributes, failed=failed)},
        resource=record.resource,
        scope=record.scope,
    )


def _claude_code_attributes(name: str, attributes: Mapping[str, Any], *, failed: bool) -> dict[str, Any]:
    """Return what Claude Code says, under the names of the GenAI conventions."""
    status = text(attributes.get("status_code")) or text(attributes.get("status"))
    found = {
        "gen_ai.operation.name": CLAUDE_CODE_OPERATIONS[name],
        "gen_ai.tool.name": attributes.get("tool_name"),
        "gen_ai.tool.call.arguments": attributes.get("tool_input") or attributes.get("tool_parameters"),
        "gen_ai.tool.call.id": attributes.get("tool_use_id"),
        "gen_ai.request.model": attributes.get("model"),
        "gen_ai.usage.input_tokens": attributes.get("input_tokens"),
        "gen_ai.usage.output_tokens": attributes.get("output_tokens"),
        "input.value": attributes.get("prompt") if name == "user_prompt" else None,
        "error.type": (attributes.get("error_type") or status or "error") if failed else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _digest(record: LogRecord) -> str:
    """Return what tells this record from the others, and is the same when it is sent again."""
    said = orjson.dumps([record.time, record.event_name], option=orjson.OPT_NAIVE_UTC)
    shown = repr((record.body, sorted(record.attributes.items(), key=lambda item: item[0])))
    return hashlib.sha256(said + shown.encode(errors="backslashreplace")).hexdigest()[:32]
