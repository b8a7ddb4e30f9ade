"""Read the protobuf encoding of an OTLP trace export request. No I/O."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from webhooks.errors import Undecodable
from webhooks.otlp_fields import KINDS, STATUS_CODES, check_size, hex_id, json_number, moment
from webhooks.trace import Event, Span, StatusCode

SCALARS = frozenset({"string_value", "bool_value", "int_value"})


def read_spans(body: bytes) -> Iterator[Span]:
    """Yield the spans of an ExportTraceServiceRequest.

    Raises
    ------
    Undecodable
        When the body is no such message, or one of its spans has no valid id or time.

    """
    for resource_spans in parse(body).resource_spans:
        resource = read_attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope.name
            for span in scope_spans.spans:
                yield read_span(span, resource=resource, scope=scope)


def parse(body: bytes) -> ExportTraceServiceRequest:
    """Return the message that the body holds; Undecodable when it holds none."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable(f"not an OTLP trace export request in protobuf ({len(body)} bytes): {error}") from error
    return request


def read_span(span: trace_pb2.Span, *, resource: dict[str, Any], scope: str) -> Span:
    """Return one span of a request; Undecodable when it has no valid id or time."""
    start = moment(span.start_time_unix_nano, name="start_time_unix_nano")
    # Each look at a field makes a new object of it, so each field is looked at once.
    status = span.status
    end_ns, parent, events = span.end_time_unix_nano, span.parent_span_id, span.events
    check_size(len(events), name="events in a span")
    return Span(
        trace_id=read_id(span.trace_id, name="trace_id"),
        span_id=read_id(span.span_id, name="span_id", n_bytes=8),
        parent_span_id=parent_id(parent) if parent else None,
        name=span.name,
        kind=KINDS.get(span.kind, "internal"),
        start=start,
        end=moment(end_ns, name="end_time_unix_nano") if end_ns else None,
        status=STATUS_CODES.get(status.code, StatusCode.UNSET),
        status_message=status.message,
        attributes=read_attributes(span.attributes),
        events=tuple(_event(event, start) for event in events) if events else (),
        resource=resource,
        scope=scope,
    )


def _event(event: trace_pb2.Span.Event, start: datetime) -> Event:
    time = moment(event.time_unix_nano, name="time_unix_nano") if event.time_unix_nano else start
    return Event(name=event.name, time=time, attributes=read_attributes(event.attributes))


def read_id(raw: bytes, *, name: str, n_bytes: int = 16) -> str:
    """Return an id as lowercase hex digits; Undecodable when it is not `n_bytes` long, or all zeros."""
    if len(raw) == n_bytes and raw.strip(b"\0"):
        return raw.hex()
    return hex_id(raw.hex(), name=name, n_bytes=n_bytes)  # says what is wrong


def parent_id(raw: bytes) -> str | None:
    """Return the parent's id; None for a root, which some SDKs send as zeros."""
    return read_id(raw, name="parent_span_id", n_bytes=8) if raw.strip(b"\0") else None


def read_attributes(items: Sequence[KeyValue]) -> dict[str, Any]:
    """Return attributes as a dict; Undecodable when there are too many."""
    check_size(len(items), name="attributes in one place")
    return _pairs(items)


def _pairs(items: Iterable[KeyValue]) -> dict[str, Any]:
    # Most values are strings that are not empty: asking for the string first saves asking which kind it is.
    return {item.key: (value := item.value).string_value or read_value(value) for item in items}


def read_value(value: AnyValue) -> Any:  # noqa: ANN401  # an attribute holds any JSON value
    """Return an AnyValue as a JSON value; the parser bounds how deep it goes."""
    kind = value.WhichOneof("value")
    if kind in SCALARS:
        return getattr(value, kind)
    match kind:
        case "double_value":
            return json_number(value.double_value)
        case "array_value":
            return [read_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _pairs(value.kvlist_value.values)
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case _:
            return None
