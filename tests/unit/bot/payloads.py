"""A valid request of every format that the application reads."""

import json
from collections.abc import Iterator

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.bot.attacked import ENGINE, GITHUB, LANGFUSE, NOON, STANDARD, Sent
from tests.unit.webhooks.captures import captured
from webhooks.decompress import decompress

NOON_NS = int(NOON.timestamp()) * 10**9
CAPTURED = (
    "langsmith_multipart",
    "langsmith_batch",
    "langsmith_single",
    "langsmith_zstd",
    "langsmith_otel",
    "langfuse_3",
    "langfuse_4",
    "langfuse_5",
    "openai_agents",
)


def seeds() -> list[Sent]:
    """Return a valid request of every format, none of them compressed."""
    found = [Sent("POST", path, headers, body) for path, headers, body in _otlp()]
    for name in CAPTURED:
        for request in captured(name):
            body = decompress(request.body, request.headers.get("content-encoding", ""))
            headers = {"content-type": request.headers.get("content-type", ""), "x-api-key": "tw_key"}
            found.append(Sent(request.method, request.path, headers, body))
    rule = json.loads(next(sent.body for sent in found if sent.path == "/langsmith/runs/batch"))["post"]
    chosen = json.dumps({"rule_id": "r", "runs": rule}).encode()
    found.append(Sent("POST", "/webhooks/langsmith/rule", {"x-api-key": "tw_key"}, chosen))
    return [sent for sent in found if sent.body] + [_delivery(7), *_signals()]


def _delivery(installation: int) -> Sent:
    """Return a delivery of GitHub's, whose tenant is the installation that its body names."""
    told = {"action": "closed", "installation": {"id": installation}, "pull_request": {"number": 1, "merged": True}}
    named = {"x-github-event": "pull_request", "x-github-delivery": f"d-{installation}", "x-api-key": ""}
    return Sent("POST", GITHUB, named | {"content-type": "application/json"}, json.dumps(told).encode())


def _signals() -> Iterator[Sent]:
    """Yield what other systems sign."""
    trace_id = "0a" * 16
    told = {
        STANDARD: {"type": "feedback.created", "data": {"trace_id": trace_id, "score": 0, "comment": "wrong order"}},
        ENGINE: {"id": "e-1", "type": "issue.created", "data": {"object": {"name": "loops"}, "trace": {"run_id": "r"}}},
        LANGFUSE: {"id": "e-1", "type": "prompt-version", "prompt": {"name": "greeting", "version": 2}},
    }
    for path, event in told.items():
        yield Sent("POST", path, {"content-type": "application/json"}, json.dumps(event).encode())


def _otlp() -> Iterator[tuple[str, dict[str, str], bytes]]:
    for path, message in (("/v1/traces", _traces()), ("/v1/logs", _logs())):
        protobuf, as_json = message.SerializeToString(), MessageToDict(message)
        yield path, {"content-type": "application/x-protobuf", "x-api-key": "tw_key"}, protobuf
        text = json.dumps(_hex_ids(as_json)).encode()
        yield path, {"content-type": "application/json", "x-api-key": "tw_key"}, text


def _hex_ids(value: object) -> object:
    """Return protobuf's JSON as OTLP has it: ids in hex."""
    if isinstance(value, dict):
        ids = {"traceId": "01" * 16, "spanId": "02" * 8, "parentSpanId": "03" * 8}
        return {key: ids.get(key) or _hex_ids(found) for key, found in value.items()}
    return [_hex_ids(item) for item in value] if isinstance(value, list) else value


def _traces() -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    span = resource.scope_spans.add().spans.add(
        trace_id=b"\1" * 16, span_id=b"\2" * 8, parent_span_id=b"\3" * 8, name="chat", start_time_unix_nano=NOON_NS
    )
    messages = [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}]
    span.attributes.add(key="gen_ai.input.messages").value.string_value = json.dumps(messages)
    span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    span.attributes.add(key="n").value.int_value = 7
    span.attributes.add(key="list").value.array_value.values.add().double_value = 0.5
    nested = span.attributes.add(key="map").value.kvlist_value.values.add(key="in")
    nested.value.bytes_value = b"\xff"
    event = span.events.add(name="exception", time_unix_nano=NOON_NS)
    event.attributes.add(key="exception.message").value.string_value = "timed out"
    span.links.add(trace_id=b"\4" * 16, span_id=b"\5" * 8)
    return message


def _logs() -> ExportLogsServiceRequest:
    message = ExportLogsServiceRequest()
    record = (
        message.resource_logs.add()
        .scope_logs.add()
        .log_records.add(
            trace_id=b"\1" * 16, span_id=b"\2" * 8, time_unix_nano=NOON_NS, event_name="gen_ai.evaluation.result"
        )
    )
    record.attributes.add(key="gen_ai.evaluation.score.value").value.double_value = 0.0
    record.body.kvlist_value.values.add(key="note").value.string_value = "wrong"
    return message
