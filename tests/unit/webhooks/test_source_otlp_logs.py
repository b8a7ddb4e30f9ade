import json
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clustering.detect import detect
from tests.unit.webhooks.captures import ListInbox, client_of, traces_of
from webhooks import semconv
from webhooks.sources import otlp_logs
from webhooks.trace import ROOT, Span, Trace

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOON_NS = 1_777_636_800 * 10**9
TRACE, SPAN = "0a" * 16, "0b" * 8
JSON = {"content-type": "application/json", "authorization": "Bearer tw_key"}
PROTOBUF = {"content-type": "application/x-protobuf", "authorization": "Bearer tw_key"}
OTHER = {"gen_ai.evaluation.name": "other"}
THUMB = {"gen_ai.evaluation.name": "thumb", "gen_ai.evaluation.score.value": 0.0}


def any_value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case float():
            return {"doubleValue": value}
        case dict():
            return {"kvlistValue": {"values": key_values(value)}}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}


def key_values(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def log(
    name: str = "", attributes: dict[str, Any] | None = None, body: object = None, **fields: object
) -> dict[str, Any]:
    given = {"timeUnixNano": str(NOON_NS), "eventName": name, "attributes": key_values(attributes or {}), **fields}
    return given if body is None else given | {"body": any_value(body)}


def logs(*records: dict[str, Any]) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def spans() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="chat", start_time_unix_nano=NOON_NS)
    span.trace_id, span.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    return request.SerializeToString()


def joined(*records: dict[str, Any]) -> Trace:
    inbox = ListInbox()
    client = client_of(inbox)
    assert client.post("/v1/logs", content=logs(*records), headers=JSON).status_code == 200
    assert client.post("/v1/traces", content=spans(), headers=PROTOBUF).status_code == 200
    [trace] = inbox.traces().values()
    return trace


def test_an_evaluation_joins_its_span() -> None:
    trace = joined(log("gen_ai.evaluation.result", THUMB, traceId=TRACE, spanId=SPAN))
    [span] = trace.spans
    assert [(item.name, item.score) for item in semconv.evaluations(span)] == [("thumb", 0.0)]
    assert [failure.detector for failure in detect(trace)] == ["negative_feedback"]


def test_an_evaluation_of_the_trace_joins_its_root() -> None:
    trace = joined(log("gen_ai.evaluation.result", THUMB, traceId=TRACE))
    assert (len(trace.spans), len(semconv.evaluations(trace.root))) == (1, 1)


def test_an_evaluation_that_names_an_answer_joins_the_span_that_got_it() -> None:
    answered = {"gen_ai.response.id": "resp-1"}
    call = Span(trace_id=TRACE, span_id=SPAN, parent_span_id="0c" * 8, name="chat", start=NOON, attributes=answered)
    root = Span(trace_id=TRACE, span_id="0c" * 8, name="agent", start=NOON)
    records = otlp_logs.decode_json(
        logs(
            log("gen_ai.evaluation.result", THUMB | answered),
            log("gen_ai.evaluation.result", THUMB | answered | OTHER, traceId=TRACE, spanId="00" * 8),
            log("gen_ai.evaluation.result", THUMB | {"gen_ai.response.id": "another"}, traceId=TRACE),
        )
    )
    trace = Trace.from_spans([root, call, *records])
    assert {span.name: len(semconv.evaluations(span)) for span in trace.spans} == {"agent": 1, "chat": 2}


def test_an_event_that_names_neither_trace_nor_answer_is_left_out() -> None:
    assert otlp_logs.decode_json(logs(log("gen_ai.evaluation.result", THUMB))) == []


def test_an_exception_event_is_the_spans_exception() -> None:
    raised = {"exception.type": "TimeoutError", "exception.message": "30 s"}
    trace = joined(log("gen_ai.client.operation.exception", raised, traceId=TRACE, spanId=SPAN))
    assert semconv.error_type(trace.root) == "TimeoutError"


def test_messages_of_older_conventions_are_the_spans_messages() -> None:
    where = {"traceId": TRACE, "spanId": SPAN}
    user = log("gen_ai.user.message", body={"content": "Hi"}, **where)
    named_by_attribute = log(
        "", {"event.name": "gen_ai.choice"}, {"message": {"content": "Hello"}, "index": 0.0}, **where
    )
    [span] = joined(user, named_by_attribute).spans
    assert [(message.role, message.content) for message in semconv.input_messages(span)] == [("user", "Hi")]
    assert [message.content for message in semconv.output_messages(span)] == ["Hello"]


def test_protobuf_says_the_same() -> None:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(event_name="gen_ai.user.message")
    record.time_unix_nano, record.trace_id, record.span_id = NOON_NS, bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    content = record.body.kvlist_value.values.add(key="content")
    content.value.string_value = "Hi"
    where = {"traceId": TRACE, "spanId": SPAN}
    same = otlp_logs.decode_json(logs(log("gen_ai.user.message", body={"content": "Hi"}, **where)))
    assert otlp_logs.decode_protobuf(request.SerializeToString()) == same
    inbox = ListInbox()
    client_of(inbox).post("/v1/logs", content=request.SerializeToString(), headers=PROTOBUF)
    assert inbox.batches[0].dialect == "otlp-protobuf-logs"


def test_a_record_sent_again_is_the_same() -> None:
    body = logs(log("gen_ai.evaluation.result", THUMB, traceId=TRACE))
    [first], [again] = otlp_logs.decode_json(body), otlp_logs.decode_json(body)
    assert (first.span_id, first.completes) == (again.span_id, ROOT)


def test_logs_that_are_not_about_agents_are_accepted_and_left_out() -> None:
    inbox = ListInbox()
    answer = client_of(inbox).post("/v1/logs", content=logs(log(body="started", traceId=TRACE)), headers=JSON)
    assert (answer.status_code, inbox.batches) == (200, [])


def test_claude_codes_records_become_one_trace_per_prompt() -> None:
    where = {"session.id": "s", "prompt.id": "p"}
    records = [
        log("user_prompt", {**where, "prompt": "Fix it"}, "claude_code.user_prompt"),
        log("api_request", {**where, "model": "claude", "duration_ms": "120"}, "claude_code.api_request"),
        log("tool_result", {**where, "tool_name": "Bash", "success": "false"}, "claude_code.tool_result"),
        log("api_error", {**where, "status_code": "529", "error": "Overloaded"}, "claude_code.api_error"),
        log("user_prompt", {"session.id": "s", "prompt.id": "q"}, "claude_code.user_prompt"),
    ]
    first, second = traces_of(otlp_logs.decode_json(logs(*records))).values()
    assert {span.name for span in first.spans} == {"user_prompt", "api_request", "Bash", "api_error"}
    assert (semconv.input_value(first.root), semconv.session_id(first)) == ("Fix it", "s")
    assert {failure.detector for failure in detect(first)} >= {"tool_error", "error"}
    assert [span.name for span in second.spans] == ["user_prompt"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"resourceLogs": 3}', logs(log("gen_ai.choice", timeUnixNano="1"))])
def test_what_is_no_logs_export_is_quarantined(body: bytes) -> None:
    inbox = ListInbox()
    assert client_of(inbox).post("/v1/logs", content=body, headers=JSON).status_code == 400
    assert [found[0] for found in inbox.quarantined] == ["otlp-json-logs"]
