"""The rows that are read off a request are those of its spans, and what is refused is refused in the same words."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from tests.unit.webhooks.captures import CAPTURES, captured
from webhooks import attribute_keys as keys
from webhooks import otlp, otlp_search
from webhooks.decompress import decompress
from webhooks.errors import Undecodable, WebhookError
from webhooks.otlp_fields import MAX_DEPTH, MAX_ITEMS
from webhooks.searched import Searched, rows_of


def nested(depth: int) -> AnyValue:
    value = AnyValue(int_value=1)
    for _ in range(depth):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    return value


NOON_NS = 1_780_000_000 * 10**9
KNOWN = [*keys.KIND_KEYS, *keys.SESSION_KEYS, *keys.USER_KEYS, *keys.RELEASE_KEYS, keys.SERVICE_NAME]
KEYS = st.sampled_from([*KNOWN, keys.ERROR_TYPE, keys.EXCEPTION_TYPE, keys.GEN_AI_TOOL_NAME, "other"])
TEXTS = st.sampled_from(["", "LLM", "tool", "s1", "s2", "x" * 300, "\0", "é", '"chat"', "[1]"])
VALUES = st.one_of(
    TEXTS.map(lambda text: AnyValue(string_value=text)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: AnyValue(int_value=number)),
    st.floats().map(lambda number: AnyValue(double_value=number)),
    st.integers(0, MAX_DEPTH + 2).map(nested),
    st.just(AnyValue()),
)
ATTRIBUTES = st.lists(st.tuples(KEYS, VALUES), max_size=5)
TIMES = st.integers(0, 3).map(lambda place: NOON_NS + place * 1_500)
SPANS = st.fixed_dictionaries(
    {
        "trace_id": st.sampled_from([b"\1" * 16, b"\2" * 16]),
        "span_id": st.sampled_from([bytes([number]) * 8 for number in range(1, 6)]),
        "start_time_unix_nano": TIMES,
    },
    optional={
        "parent_span_id": st.sampled_from([b"", bytes(8), b"\1" * 8, b"\2" * 8, b"\x09" * 8]),
        "end_time_unix_nano": TIMES,
        "name": TEXTS,
        "kind": st.integers(0, 7),
        "status": st.builds(dict, code=st.integers(0, 2)),
    },
)
STRANGE = st.fixed_dictionaries(
    {},
    optional={
        "trace_id": st.binary(max_size=17),
        "span_id": st.sampled_from([b"", bytes(8)]),
        "parent_span_id": st.binary(max_size=9),
        "start_time_unix_nano": st.sampled_from([0, 1, 2**64 - 1]),
        "end_time_unix_nano": st.sampled_from([1, 2**64 - 1]),
    },
)


@st.composite
def requests(draw: Callable[..., object], strange: st.SearchStrategy[dict[str, object]]) -> bytes:
    message = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(1, 2))):  # type: ignore[call-overload]  # an int, which draw's type does not say
        resource_spans = message.resource_spans.add()
        _fill(resource_spans.resource, draw(ATTRIBUTES))
        scope_spans = resource_spans.scope_spans.add()
        for fields, changes, attributes, events in draw(  # type: ignore[attr-defined]  # as above
            st.lists(st.tuples(SPANS, strange, ATTRIBUTES, st.lists(ATTRIBUTES, max_size=2)), max_size=6)
        ):
            span = scope_spans.spans.add(**(fields | changes))
            _fill(span, attributes)
            for found in events:
                _fill(span.events.add(name="exception"), found)
    return message.SerializeToString()


def _fill(owner: object, attributes: object) -> None:
    for key, value in attributes:  # type: ignore[attr-defined]  # as above
        owner.attributes.add(key=key, value=value)  # type: ignore[attr-defined]  # a generated class


def outcome(read: Callable[[bytes], Searched], body: bytes) -> Searched | str:
    try:
        return read(body)
    except Undecodable as error:
        return str(error)


def by_decoding(body: bytes) -> Searched:
    return rows_of(otlp.decode(body, otlp.PROTOBUF))


@given(requests(st.just({})))
def test_the_rows_read_off_a_request_are_those_of_its_spans(body: bytes) -> None:
    assert outcome(otlp_search.search, body) == outcome(by_decoding, body)


@given(requests(STRANGE))
def test_what_has_no_valid_id_or_time_is_refused_in_the_same_words(body: bytes) -> None:
    assert outcome(otlp_search.search, body) == outcome(by_decoding, body)


@given(requests(st.just({})), st.data())
def test_a_damaged_request_is_read_or_refused_alike(body: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, max(len(body) - 1, 0)))
    damaged = body[:place] + data.draw(st.binary(max_size=4)) + body[place + data.draw(st.integers(0, 4)) :]
    assert outcome(otlp_search.search, damaged) == outcome(by_decoding, damaged)


@pytest.mark.parametrize("n_attributes", [MAX_ITEMS, MAX_ITEMS + 1])
def test_a_span_of_too_many_attributes_is_refused_alike(n_attributes: int) -> None:
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"\1" * 16, span_id=b"\1" * 8)
    span.start_time_unix_nano = NOON_NS
    for number in range(n_attributes):
        span.attributes.add(key=str(number))
    body = message.SerializeToString()
    assert outcome(otlp_search.search, body) == outcome(by_decoding, body)
    assert isinstance(outcome(otlp_search.search, body), str) == (n_attributes > MAX_ITEMS)


def test_every_captured_request_is_read_alike() -> None:
    n_spans = 0
    for file in sorted(CAPTURES.glob("*.jsonl")):
        for request in captured(file.stem):
            if request.headers.get("content-type") == otlp.PROTOBUF and request.path.endswith("/traces"):
                rows = _rows(decompress(request.body, request.headers.get("content-encoding", "")))
                n_spans += len(rows.spans)
    assert n_spans > 0


def _rows(body: bytes) -> Searched:
    try:
        expected = by_decoding(body)
    except WebhookError:
        return Searched()
    assert otlp_search.search(body) == expected
    return expected
