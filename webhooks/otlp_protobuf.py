"""Read the protobuf encoding of an OTLP trace export request. No I/O."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from webhooks.errors import Undecodable
from webhooks.otlp_fields import KINDS, STATUS_CODES, check_depth, check_size, hex_id, json_number, moment
from webhooks.trace import Event, Span, StatusCode

SCALARS = frozenset({"string_value", "bool_value", "int_value"})


def read_spans(body: bytes) -> Iterator[Span]:
    """Yield the spans of an ExportTraceServiceRequest.

    Raises
    ------
    Undecodable
        When the body is no such message, or one of its spans has no valid id or time.

    """
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable(f"not an OTLP trace export request in protobuf ({len(body)} bytes): {error}") from error
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _span(span, resource=resource, scope=scope_spans.scope.name)


def _span(span: trace_pb2.Span, *, resource: dict[str, Any], scope: str) -> Span:
    start = moment(span.start_time_unix_nano, name="start_time_unix_nano")
    check_size(len(span.events), name="events in a span")
    return Span(
        trace_id=hex_id(span.trace_id.hex(), name="trace_id", n_bytes=16),
        span_id=hex_id(span.span_id.hex(), name="span_id", n_bytes=8),
        parent_span_id=_parent(span.parent_span_id),
        name=span.name,
        kind=KINDS.get(span.kind, "internal"),
        start=start,
        end=moment(span.end_time_unix_nano, name="end_time_unix_nano") if span.end_time_unix_nano else None,
        status=STATUS_CODES.get(span.status.code, StatusCode.UNSET),
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        events=tuple(
            Event(
                name=event.name,
                time=moment(event.time_unix_nano, name="time_unix_nano") if event.time_unix_nano else start,
                attributes=_attributes(event.attributes),
            )
            for event in span.events
        ),
        resource=resource,
        scope=scope,
    )


def _parent(raw: bytes) -> str | None:
    """Return the parent's id; None for a root, which some SDKs send as zeros."""
    return hex_id(raw.hex(), name="parent_span_id", n_bytes=8) if raw.strip(b"\0") else None


def _attributes(items: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    found = {item.key: _value(item.value, depth) for item in items}
    check_size(len(found), name="attributes in one place")
    return found


def _value(value: AnyValue, depth: int) -> Any:  # noqa: ANN401  # an attribute holds any JSON value
    check_depth(depth)
    kind = value.WhichOneof("value")
    if kind in SCALARS:
        return getattr(value, kind)
    match kind:
        case "double_value":
            return json_number(value.double_value)
        case "array_value":
            check_size(len(value.array_value.values), name="values in an array")
            return [_value(item, depth + 1) for item in value.array_value.values]
        case "kvlist_value":
            return _attributes(value.kvlist_value.values, depth + 1)
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case _:
            return None
