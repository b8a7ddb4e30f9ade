"""Read the JSON encoding of an OTLP trace export request. No I/O.

It is protobuf's JSON but for what https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding says: ids are hex,
enumerations are integers (names are read as well), keys are lowerCamelCase, and unknown keys are ignored.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import orjson

from webhooks.attributes import number
from webhooks.errors import Undecodable
from webhooks.otlp_fields import (
    INT64,
    KIND_NAMES,
    KINDS,
    STATUS_CODES,
    STATUS_NAMES,
    check_depth,
    check_size,
    hex_id,
    json_number,
    moment,
    shown,
)
from webhooks.trace import Event, Span, StatusCode

T = TypeVar("T")


def read_spans(body: bytes) -> Iterator[Span]:
    """Yield the spans of an ExportTraceServiceRequest.

    Raises
    ------
    Undecodable
        When the body is no such message, or one of its spans has no valid id or time.

    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"not JSON ({len(body)} bytes): {error}") from error
    if not isinstance(request, dict):
        raise Undecodable(f"not an OTLP trace export request: a JSON {type(request).__name__}")
    for resource_spans in read_objects(request, "resourceSpans"):
        resource = read_attributes(read_object(resource_spans, "resource"))
        for scope_spans in read_objects(resource_spans, "scopeSpans"):
            scope = read_text(read_object(scope_spans, "scope"), "name")
            for span in read_objects(scope_spans, "spans"):
                yield _span(span, resource=resource, scope=scope)


def _span(span: dict[str, Any], *, resource: dict[str, Any], scope: str) -> Span:
    start = moment(read_integer(span, "startTimeUnixNano"), name="startTimeUnixNano")
    status = read_object(span, "status")
    return Span(
        trace_id=hex_id(read_text(span, "traceId"), name="traceId", n_bytes=16),
        span_id=hex_id(read_text(span, "spanId"), name="spanId", n_bytes=8),
        parent_span_id=_parent(read_text(span, "parentSpanId")),
        name=read_text(span, "name"),
        kind=KINDS.get(_code(span, "kind", KIND_NAMES), "internal"),
        start=start,
        end=read_moment(span, "endTimeUnixNano"),
        status=STATUS_CODES.get(_code(status, "code", STATUS_NAMES), StatusCode.UNSET),
        status_message=read_text(status, "message"),
        attributes=read_attributes(span),
        events=tuple(_event(event, start) for event in read_objects(span, "events")),
        resource=resource,
        scope=scope,
    )


def _event(event: dict[str, Any], start: datetime) -> Event:
    time = read_moment(event, "timeUnixNano")
    return Event(name=read_text(event, "name"), time=time or start, attributes=read_attributes(event))


def _parent(digits: str) -> str | None:
    """Return the parent's id; None for a root, which some SDKs send as zeros."""
    return hex_id(digits, name="parentSpanId", n_bytes=8) if digits.strip("0") else None


def read_moment(item: dict[str, Any], key: str) -> datetime | None:
    """Return a time; None when it is missing."""
    nanoseconds = read_integer(item, key)
    return moment(nanoseconds, name=key) if nanoseconds else None


def read_attributes(owner: dict[str, Any], key: str = "attributes", depth: int = 0) -> dict[str, Any]:
    """Return a list of key and value as a dict."""
    return {read_text(item, "key"): read_value(read_object(item, "value"), depth) for item in read_objects(owner, key)}


def read_value(value: dict[str, Any], depth: int) -> Any:  # noqa: ANN401  # an attribute holds any JSON value
    """Return an AnyValue as a JSON value."""
    check_depth(depth)
    kind = next((kind for kind in value if kind in READERS and value[kind] is not None), None)
    return READERS[kind](value, depth) if kind else None


def _double(value: object) -> float | str:
    if value in ("NaN", "Infinity", "-Infinity"):
        return str(value)
    found = number(value)
    if found is None:
        raise Undecodable(f"doubleValue is not a number: {shown(value)}")
    return json_number(found)


def _code(item: dict[str, Any], key: str, names: Mapping[str, int]) -> int:
    """Return a member of an enumeration, sent as its number or by its name."""
    value = item.get(key)
    return names[value] if isinstance(value, str) and value in names else read_integer(item, key)


def read_integer(item: dict[str, Any], key: str) -> int:
    """Return a 64-bit integer, sent as a number or as a string; 0 when it is missing."""
    value = item.get(key)
    if value is None:
        return 0
    try:
        found = int(value) if isinstance(value, str) else value
    except ValueError as error:
        raise Undecodable(f"{key} is not an integer: {shown(value)}") from error
    if isinstance(found, bool) or not isinstance(found, int):
        raise Undecodable(f"{key} is not an integer: {shown(value)}")
    if found not in INT64:
        raise Undecodable(f"{key} has more than 64 bits: {shown(value)}")
    return found


def read_text(item: dict[str, Any], key: str) -> str:
    """Return a string; empty when it is missing."""
    return _typed(item, key, str, default="")


def read_object(item: dict[str, Any], key: str) -> dict[str, Any]:
    """Return an object; empty when it is missing."""
    return _typed(item, key, dict, default={})


def read_objects(item: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects; empty when it is missing."""
    found = _typed(item, key, list, default=[])
    check_size(len(found), name=key)
    for value in found:
        if not isinstance(value, dict):
            raise Undecodable(f"{key} holds what is not an object: {shown(value)}")
    return found


def _typed(item: dict[str, Any], key: str, kind: type[T], *, default: T) -> T:
    """Return a field, or `default` where it is missing or null, as protobuf's JSON has it."""
    value = item.get(key)
    if value is None:
        return default
    if not isinstance(value, kind):
        raise Undecodable(f"{key} is not a {kind.__name__}: {shown(value)}")
    return value


#: Field of an AnyValue -> how it is read.
READERS: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "stringValue": lambda value, _: read_text(value, "stringValue"),
    "bytesValue": lambda value, _: read_text(value, "bytesValue"),
    "boolValue": lambda value, _: _typed(value, "boolValue", bool, default=False),
    "intValue": lambda value, _: read_integer(value, "intValue"),
    "doubleValue": lambda value, _: _double(value["doubleValue"]),
    "arrayValue": lambda value, depth: [
        read_value(item, depth + 1) for item in read_objects(read_object(value, "arrayValue"), "values")
    ],
    "kvlistValue": lambda value, depth: read_attributes(read_object(value, "kvlistValue"), "values", depth + 1),
}
