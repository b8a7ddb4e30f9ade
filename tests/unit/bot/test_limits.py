"""Requests of any size and depth are answered: kept, or refused by the protocol's own 400."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.unit.bot.attacked import Receiving, Sent, receiving
from tests.unit.bot.payloads import NOON_NS, seeds
from webhooks.otlp_fields import MAX_ITEMS

ANSWERS = {200, 202, 207, 400}
PROJECT = {"langsmith-project": "support"}
JSON_SEEDS = {
    sent.path: sent for sent in seeds() if sent.body.lstrip().startswith((b"{", b"[")) and sent.method == "POST"
}
OTEL = "/langsmith/otel/v1/traces"
#: What is put beside the other values of an object.
EXTREMES = {
    "deep lists": "[" * 900 + "]" * 900,
    "lists as deep as can be read and not written": "[" * 300 + "]" * 300,
    "deep objects": '{"a":' * 900 + "1" + "}" * 900,
    "very deep": "[" * 50_000 + "]" * 50_000,
    "many values": "[" + "1," * 30_000 + "1]",
    "many names": "{" + ",".join(f'"k{number}":1' for number in range(5_000)) + "}",
    "a huge integer": "9" * 5_000,
    "a huge number": "1e400",
    "a long fraction": "0." + "3" * 5_000,
    "no number": "NaN",
    "a lone surrogate": '"\\ud800"',
    "a lone low surrogate": '"\\udfff\\u0000"',
    "a long string": '"' + "x" * 200_000 + '"',
}


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiving]:
    with receiving(tmp_path_factory.mktemp("limits")) as running:
        yield running


@pytest.mark.parametrize("extreme", EXTREMES)
def test_an_extreme_value_is_kept_or_refused_in_every_json_dialect(receiver: Receiving, extreme: str) -> None:
    named = f'{{"more": {EXTREMES[extreme]}, '.encode()
    otel = Sent("POST", OTEL, {**JSON_SEEDS["/v1/traces"].headers, **PROJECT}, JSON_SEEDS["/v1/traces"].body)
    answers = {}
    for sent in (*JSON_SEEDS.values(), otel):
        outermost, innermost = sent.body.replace(b"{", named, 1), named.join(sent.body.rsplit(b"{", 3))
        answers[sent.path, "outermost"] = receiver.send(replace(sent, body=outermost))[0]
        answers[sent.path, "innermost"] = receiver.send(replace(sent, body=innermost))[0]
    assert len(answers) == 2 * (len(JSON_SEEDS) + 1)
    assert {where: status for where, status in answers.items() if status not in ANSWERS} == {}


@pytest.mark.parametrize("kind", ["attributes", "events", "links"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_a_span_with_too_many_of_what_is_read_is_refused_and_with_many_links_kept(
    receiver: Receiving, kind: str, encoding: str
) -> None:
    sent = _with_many(kind, MAX_ITEMS + 1, encoding)
    assert receiver.send(sent)[0] == (200 if kind == "links" else 400)


@pytest.mark.parametrize("depth", [10, 40, 60, 2_000])
def test_a_deep_protobuf_value_is_kept_or_refused(receiver: Receiving, depth: int) -> None:
    value = AnyValue(string_value="in").SerializeToString()
    for _ in range(depth):
        value = _field(5, _field(1, value))  # AnyValue.array_value, ArrayValue.values
    attribute = _field(1, b"deep") + _field(2, value)
    head = _message().resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    body = _field(1, _field(2, _field(2, head + _field(9, attribute))))
    assert receiver.send(_protobuf(body))[0] == (200 if depth <= 40 else 400)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1.7e308])
def test_a_number_that_json_does_not_know_is_kept(receiver: Receiving, number: float) -> None:
    message = _message()
    span = message.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="n").value.double_value = number
    assert receiver.send(_protobuf(message.SerializeToString()))[0] == 200


def _with_many(kind: str, n: int, encoding: str) -> Sent:
    message = _message()
    span = message.resource_spans[0].scope_spans[0].spans[0]
    for number in range(n if encoding == "protobuf" else 0):
        getattr(span, kind).add(**({"key": f"k{number}"} if kind == "attributes" else {}))
    if encoding == "protobuf":
        return _protobuf(message.SerializeToString())
    items = [{"key": f"k{number}", "value": {}} if kind == "attributes" else {} for number in range(n)]
    ids = {"traceId": "0b" * 16, "spanId": "0c" * 8, "startTimeUnixNano": str(NOON_NS)}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**ids, kind: items}]}]}]}).encode()
    return Sent("POST", "/v1/traces", {"content-type": "application/json", "x-api-key": "tw_key"}, body)


def _message() -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"\6" * 16, span_id=b"\7" * 8, name="chat", start_time_unix_nano=NOON_NS)
    return message


def _protobuf(body: bytes) -> Sent:
    return Sent("POST", "/v1/traces", {"content-type": "application/x-protobuf", "x-api-key": "tw_key"}, body)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of protobuf that has a length."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
