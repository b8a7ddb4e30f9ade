import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from webhooks import otlp
from webhooks.errors import Undecodable, UnsupportedMedia, WebhookError
from webhooks.otlp_fields import MAX_DEPTH
from webhooks.trace import Span, StatusCode

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
TRACE_ID = bytes(range(1, 17))
SPAN_ID = bytes(range(1, 9))


def request(attributes: dict[str, AnyValue] | None = None, **fields: object) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name", value=AnyValue(string_value="shop"))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "agent"
    given_fields = {"trace_id": TRACE_ID, "span_id": SPAN_ID, "name": "chat", "start_time_unix_nano": NOON_NS, **fields}
    span = scope_spans.spans.add(**given_fields)
    span.attributes.extend(KeyValue(key=key, value=value) for key, value in (attributes or {}).items())
    return message


def json_request(**fields: object) -> dict[str, Any]:
    span = {"traceId": TRACE_ID.hex(), "spanId": SPAN_ID.hex(), "name": "chat", "startTimeUnixNano": str(NOON_NS)}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope_spans = [{"scope": {"name": "agent"}, "spans": [span | fields]}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}


def decode_json(**fields: object) -> Span:
    return otlp.decode(json.dumps(json_request(**fields)).encode(), otlp.JSON)[0]


def decode_protobuf(message: ExportTraceServiceRequest) -> Span:
    return otlp.decode(message.SerializeToString(), otlp.PROTOBUF)[0]


def nested(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


def deep_request(depth: int) -> ExportTraceServiceRequest:
    """Return a request with an array in an array in an array; made in place, since a copy is refused as a body is."""
    message = request({"a": AnyValue()})
    value = message.resource_spans[0].scope_spans[0].spans[0].attributes[0].value
    for _ in range(depth):
        value = value.array_value.values.add()
    value.int_value = 1
    return message


def test_protobuf_span_keeps_ids_times_status_resource_and_scope() -> None:
    fields = {"parent_span_id": b"\xff" * 8, "kind": 3, "end_time_unix_nano": NOON_NS + 1_500_000}
    span = decode_protobuf(request(status={"code": 2, "message": "boom"}, **fields))
    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE_ID.hex(), SPAN_ID.hex(), "ff" * 8)
    assert (span.start, span.end) == (NOON, NOON + timedelta(microseconds=1500))
    assert (span.kind, span.status, span.status_message) == ("client", StatusCode.ERROR, "boom")
    assert (span.resource, span.scope) == ({"service.name": "shop"}, "agent")


def test_every_protobuf_attribute_type_becomes_a_json_value() -> None:
    attributes = {
        "text": AnyValue(string_value="é"),
        "yes": AnyValue(bool_value=True),
        "int": AnyValue(int_value=-(2**63)),
        "float": AnyValue(double_value=0.5),
        "nan": AnyValue(double_value=float("nan")),
        "bytes": AnyValue(bytes_value=b"\x00\xff"),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])),
        "map": AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(string_value="v"))])),
    }
    expected = {"text": "é", "yes": True, "int": -(2**63), "float": 0.5, "nan": "NaN", "bytes": "AP8="}
    assert decode_protobuf(request(attributes)).attributes == {**expected, "list": [1, None], "map": {"k": "v"}}


def test_json_reads_integers_as_strings_and_as_numbers() -> None:
    attributes = [{"key": "a", "value": {"intValue": "7"}}, {"key": "b", "value": {"intValue": 7}}]
    assert decode_json(attributes=attributes).attributes == {"a": 7, "b": 7}


def test_json_reads_enumerations_by_their_names_as_well() -> None:
    numbered = decode_json(kind=3, status={"code": 2})
    assert decode_json(kind="SPAN_KIND_CLIENT", status={"code": "STATUS_CODE_ERROR"}) == numbered
    assert (numbered.kind, numbered.status) == ("client", StatusCode.ERROR)


def test_json_reads_every_attribute_type() -> None:
    values = {
        "yes": {"boolValue": False},
        "float": {"doubleValue": 0.5},
        "inf": {"doubleValue": "-Infinity"},
        "bytes": {"bytesValue": "AP8="},
        "list": {"arrayValue": {"values": [{"stringValue": "x"}, {}]}},
        "map": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 1}}]}},
        "new": {"someday": 1},
    }
    span = decode_json(attributes=[{"key": key, "value": value} for key, value in values.items()])
    expected = {"yes": False, "float": 0.5, "inf": "-Infinity", "bytes": "AP8=", "list": ["x", None]}
    assert span.attributes == {**expected, "map": {"k": 1}, "new": None}


def test_json_ignores_unknown_fields_and_accepts_uppercase_hex() -> None:
    span = decode_json(someday=1, traceId="AB" * 16, parentSpanId="", kind=99, status={"code": 1, "x": 2})
    assert (span.trace_id, span.parent_span_id, span.kind, span.status) == ("ab" * 16, None, "internal", StatusCode.OK)


def test_json_and_protobuf_of_one_span_are_equal() -> None:
    event = {"name": "exception", "timeUnixNano": str(NOON_NS), "attributes": []}
    message = request(end_time_unix_nano=NOON_NS, events=[{"name": "exception", "time_unix_nano": NOON_NS}])
    assert decode_json(endTimeUnixNano=NOON_NS, events=[event]) == decode_protobuf(message)


def test_a_span_that_has_not_ended_has_no_end() -> None:
    assert decode_protobuf(request()).end is None


def test_an_event_without_a_time_happened_when_its_span_began() -> None:
    assert decode_json(events=[{"name": "x"}]).events[0].time == NOON


def test_a_parent_of_zeros_is_no_parent() -> None:
    assert decode_protobuf(request(parent_span_id=b"\0" * 8)).parent_span_id is None
    assert decode_json(parentSpanId="0" * 16).parent_span_id is None


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({"trace_id": b"\1"}, "trace_id is not 16 bytes in hex: '01'"),
        ({"trace_id": b"\0" * 16}, "trace_id is all zeros"),
        ({"span_id": b""}, "span_id is not 8 bytes in hex: ''"),
        ({"parent_span_id": b"\1\2"}, "parent_span_id is not 8 bytes in hex: '0102'"),
        ({"start_time_unix_nano": 0}, "start_time_unix_nano is not between the years 2000 and 2200: 0 ns"),
        ({"end_time_unix_nano": 2**64 - 1}, "end_time_unix_nano is not between the years 2000 and 2200: 18446744"),
    ],
)
def test_a_bad_protobuf_span_is_refused_with_fact_and_value(fields: dict[str, Any], fact: str) -> None:
    with pytest.raises(Undecodable, match=fact):
        decode_protobuf(request(**fields))


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({"traceId": None}, "traceId is not 16 bytes in hex: ''"),
        ({"traceId": 5}, "traceId is not a str: 5"),
        ({"spanId": "g" * 16}, "spanId is not 8 bytes in hex: 'g"),
        ({"startTimeUnixNano": "soon"}, "startTimeUnixNano is not an integer: 'soon'"),
        ({"startTimeUnixNano": 1.5e18}, "startTimeUnixNano is not an integer: 1.5e"),
        ({"startTimeUnixNano": "9" * 30}, "startTimeUnixNano has more than 64 bits"),
        ({"startTimeUnixNano": "9" * 5000}, "startTimeUnixNano is not an integer"),
        ({"status": {"code": "STATUS_CODE_BAD"}}, "code is not an integer: 'STATUS_CODE_BAD'"),
        ({"attributes": {"a": 1}}, "attributes is not a list: {'a': 1}"),
        ({"attributes": [3]}, "attributes holds what is not an object: 3"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": "x"}}]}, "doubleValue is not a number: 'x'"),
        ({"attributes": [{"key": "a", "value": {"boolValue": 1}}]}, "boolValue is not a bool: 1"),
        ({"attributes": [{"key": "a", "value": {"intValue": True}}]}, "intValue is not an integer: True"),
    ],
)
def test_a_bad_json_span_is_refused_with_fact_and_value(fields: dict[str, Any], fact: str) -> None:
    with pytest.raises(Undecodable) as raised:
        decode_json(**fields)
    assert str(raised.value).startswith(fact)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"resourceSpans": 1}', b"\xff", b'"\xed\xa0\x80"'])
def test_json_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Undecodable):
        otlp.decode(body, otlp.JSON)


def test_deep_nesting_is_refused_in_both_encodings() -> None:
    value: dict[str, Any] = {"intValue": 1}
    for _ in range(60):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(Undecodable, match="nested deeper than 48 levels"):
        decode_json(attributes=[{"key": "a", "value": value}])
    with pytest.raises(Undecodable, match="not an OTLP trace export request"):
        decode_protobuf(deep_request(60))


def test_whatever_the_protobuf_parser_lets_through_is_within_the_depth_that_json_may_have() -> None:
    deepest = max(depth for depth in range(1, 60) if _is_read(deep_request(depth)))
    assert 1 < deepest <= MAX_DEPTH


def _is_read(message: ExportTraceServiceRequest) -> bool:
    try:
        return bool(decode_protobuf(message))
    except Undecodable:
        return False


def test_a_protobuf_bomb_of_nesting_is_refused() -> None:
    bomb = b""
    for _ in range(2000):
        bomb = b"\x0a" + _varint(len(bomb)) + bomb
    with pytest.raises(Undecodable):
        otlp.decode(bomb, otlp.PROTOBUF)


def test_too_many_attributes_are_refused() -> None:
    with pytest.raises(Undecodable, match="more than 20000 attributes in one place: 20001"):
        decode_protobuf(request({str(n): AnyValue() for n in range(20_001)}))
    with pytest.raises(Undecodable, match="more than 20000 attributes: 20001"):
        decode_json(attributes=[{"key": str(n), "value": {}} for n in range(20_001)])


def test_an_empty_request_has_no_spans() -> None:
    assert otlp.decode(b"", otlp.PROTOBUF) == []
    assert otlp.decode(b"{}", "application/json; charset=utf-8") == []


def test_another_content_type_is_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="text/plain"):
        otlp.decode(b"", "text/plain")


def test_answers_are_in_the_type_of_the_request() -> None:
    assert (otlp.response(otlp.PROTOBUF), otlp.response(otlp.JSON)) == (b"", b"{}")
    assert Status.FromString(otlp.error_response(400, "no", otlp.PROTOBUF)) == Status(code=3, message="no")
    assert json.loads(otlp.error_response(503, "later", otlp.JSON)) == {"code": 14, "message": "later"}


VALID = request({"a": nested(3), "b": AnyValue(string_value="text")}, end_time_unix_nano=NOON_NS).SerializeToString()
VALID_JSON = json.dumps(json_request(attributes=[{"key": "a", "value": {"stringValue": "x"}}])).encode()


@given(st.binary(max_size=400), st.sampled_from([otlp.PROTOBUF, otlp.JSON]))
def test_random_bytes_raise_nothing_but_webhook_errors(body: bytes, content_type: str) -> None:
    _decode_or_refuse(body, content_type)


@given(st.data(), st.sampled_from([(VALID, otlp.PROTOBUF), (VALID_JSON, otlp.JSON)]))
def test_mutated_requests_raise_nothing_but_webhook_errors(data: st.DataObject, valid: tuple[bytes, str]) -> None:
    body = bytearray(valid[0])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    _decode_or_refuse(bytes(body[:cut] if data.draw(st.booleans()) else body), valid[1])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["traceId", "startTimeUnixNano", "kind", "status", "attributes", "events", "name"]), JSON_VALUES)
def test_any_json_in_a_field_raises_nothing_but_webhook_errors(field: str, value: object) -> None:
    _decode_or_refuse(json.dumps(json_request(**{field: value})).encode(), otlp.JSON)


KINDS_OF_VALUE = st.sampled_from(["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue"])


@given(KINDS_OF_VALUE, JSON_VALUES)
def test_any_json_in_an_attribute_raises_nothing_but_webhook_errors(kind: str, value: object) -> None:
    attributes = [{"key": "a", "value": {kind: value}}]
    _decode_or_refuse(json.dumps(json_request(attributes=attributes)).encode(), otlp.JSON)


def _decode_or_refuse(body: bytes, content_type: str) -> None:
    with suppress(WebhookError):
        json.dumps([dict(span.attributes) for span in otlp.decode(body, content_type)], allow_nan=False)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
