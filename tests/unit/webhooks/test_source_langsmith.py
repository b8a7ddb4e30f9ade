import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clustering.detect import detect, see
from tests.unit.webhooks.captures import ListInbox, captured, client_of, send, spans_of, traces_of
from webhooks import multipart, otlp, semconv
from webhooks.decompress import decompress
from webhooks.errors import Undecodable
from webhooks.sources import langsmith, langsmith_otel, langsmith_requests
from webhooks.trace import Span, StatusCode, Trace

WAYS = ["langsmith_multipart", "langsmith_zstd", "langsmith_batch", "langsmith_single"]


def the_trace(spans: Iterable[Span]) -> Trace:
    [trace] = traces_of(spans).values()
    return trace


def received(name: str) -> Trace:
    inbox = ListInbox()
    client = client_of(inbox)
    assert {send(client, request) for request in captured(name)} == {202}
    assert inbox.quarantined == []
    return the_trace(span for batch in inbox.batches for span in spans_of(batch))


def zstd_spans() -> list[Span]:
    bodies = [decompress(item.body, "zstd") for item in captured("langsmith_zstd")]
    return [span for body in bodies for span in langsmith.decode(langsmith_requests.from_multipart(body))]


def check_support_trace(trace: Trace) -> None:
    root, chat, tool = trace.spans
    assert [span.name for span in trace.spans] == ["support", "ChatOpenAI", "get_order"]
    assert root.end is not None
    assert (semconv.input_value(root), semconv.output_value(root)) == (
        '{"q":"Where is A1?"}',
        "Sorry, I cannot find it.",
    )
    assert [message.content for message in semconv.input_messages(chat)] == ["Be kind.", "Where is A1?"]
    assert semconv.output_messages(chat)[0].tool_calls[0].arguments == '{"order_id": "A1"}'
    assert (semconv.model(chat), semconv.usage(chat)) == ("gpt-4o-mini", (9, 4))
    assert semconv.tool_definitions(chat)[0]["function"]["name"] == "get_order"
    assert (semconv.tool_name(tool), semconv.tool_arguments(tool)) == ("get_order", '{"order_id":"A1"}')
    raised = semconv.exception(tool)
    assert raised is not None
    assert (raised.type, raised.message, tool.status) == ("KeyError", "A1", StatusCode.ERROR)
    assert (semconv.session_id(trace), semconv.user_id(trace), semconv.release(trace)) == ("s-1", "u-1", "v2")
    assert semconv.service_name(trace) == "shop"


@pytest.mark.parametrize("name", WAYS)
def test_a_run_is_the_same_by_every_route(name: str) -> None:
    check_support_trace(received(name))


def test_runs_unite_in_whatever_order_their_requests_come() -> None:
    spans = zstd_spans()
    assert Trace.from_spans(spans[::-1]) == Trace.from_spans(spans)


@pytest.mark.parametrize("name", WAYS)
def test_a_thumbs_down_is_a_failure_of_the_root(name: str) -> None:
    trace = received(name)
    [evaluation] = semconv.evaluations(trace.root)
    assert (evaluation.name, evaluation.score, evaluation.explanation) == ("user_score", 0.0, "useless")
    assert {"negative_feedback", "tool_error"} <= {failure.detector for failure in see(trace)}


def test_a_run_sent_again_is_the_same_records() -> None:
    first, again = zstd_spans(), zstd_spans()
    assert [span.span_id for span in first] == [span.span_id for span in again]
    assert len({span.span_id for span in first}) == len(first)


def test_in_opentelemetry_mode_spans_are_read_and_feedback_stays_alone() -> None:
    inbox = ListInbox()
    client = client_of(inbox)
    assert [send(client, request) for request in captured("langsmith_otel")] == [202, 200]
    feedback, trace = inbox.traces().values()  # the spans say nothing of the run's id, which is all that it names
    assert [span.name for span in trace.spans] == ["support", "ChatOpenAI", "get_order"]
    assert "tool_error" in {failure.detector for failure in detect(trace)}
    assert [failure.detector for failure in detect(feedback)] == ["negative_feedback"]


def test_langchain_messages_are_read() -> None:
    human = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "HumanMessage"], "kwargs": {"content": "Hi"}}
    call = {"name": "look", "args": {"x": 1}, "id": "c1", "type": "tool_call"}
    ai = {"lc": 1, "id": ["AIMessage"], "kwargs": {"content": "", "type": "ai", "tool_calls": [call]}}
    run = {
        "id": "01a204c6-d74b-737f-b3ff-a78cb80e4abd",
        "run_type": "llm",
        "inputs": {"messages": [[human]]},
        "outputs": {"generations": [[{"text": "", "message": ai}]]},
    }
    span = the_trace(langsmith.decode(json.dumps({"post": [run]}).encode())).root
    assert [(message.role, message.content) for message in semconv.input_messages(span)] == [("user", "Hi")]
    assert semconv.output_messages(span)[0].tool_calls[0].name == "look"


def test_a_run_that_says_no_time_has_that_of_its_id() -> None:
    [span] = langsmith.decode(b'{"patch": [{"id": "01a204c6-d74b-737f-b3ff-a78cb80e4abd"}]}')
    assert span.start.isoformat(timespec="seconds") == "2026-11-22T19:41:09+00:00"


@pytest.mark.parametrize("item", [{}, {"id": 3}, {"id": "x"}, {"id": "00000000-0000-4000-8000-000000000000"}])
def test_a_run_without_an_id_or_a_time_is_quarantined(item: dict[str, object]) -> None:
    inbox = ListInbox()
    client = client_of(inbox)
    answer = client.post("/langsmith/runs", json=item, headers={"x-api-key": "tw_key"})
    assert (answer.status_code, inbox.batches, len(inbox.quarantined)) == (400, [], 1)


def test_feedback_by_hand_that_says_no_time_is_of_its_arrival_and_the_same_when_sent_again() -> None:
    moments = iter([datetime(2026, 11, 28, 12, tzinfo=UTC), datetime(2026, 11, 28, 13, tzinfo=UTC)])
    inbox = ListInbox()
    client = client_of(inbox, now=lambda: next(moments))
    said = {"run_id": "00000000-0000-4000-8000-000000000001", "key": "user_score", "score": 0}
    for _ in range(2):
        assert client.post("/langsmith/feedback", json=said, headers={"x-api-key": "tw_key"}).status_code == 202
    first, again = (span for batch in inbox.batches for span in spans_of(batch))
    assert (first.start, first.span_id) == (datetime(2026, 11, 28, 12, tzinfo=UTC), again.span_id)


def test_info_offers_multipart_without_a_key() -> None:
    info = client_of(ListInbox()).get("/langsmith/info").json()
    assert info["batch_ingest_config"]["use_multipart_endpoint"] is True


@pytest.mark.parametrize("cut", [1, 60, 200, -60, -5])
def test_a_multipart_body_cut_short_is_undecodable(cut: int) -> None:
    body = captured("langsmith_multipart")[0].body
    with pytest.raises(Undecodable, match="multipart"):
        list(multipart.read_parts(body[:cut]))


def test_a_part_may_hold_the_boundary() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\nContent-Length: 7\r\n\r\n\r\n--b--\r\n--b--\r\n'
    assert list(multipart.read_parts(part)) == [("x", b"\r\n--b--")]


def test_attached_files_are_left_out() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="attachment.r.f"\r\nContent-Length: 1\r\n\r\nx\r\n--b--\r\n'
    assert langsmith_requests.from_multipart(part) == b"{}"


def test_the_project_of_otlp_spans_is_their_service() -> None:
    sent = next(item for item in captured("langsmith_otel") if "otel" in item.path)
    inbox = ListInbox()
    assert send(client_of(inbox), replace(sent, headers=sent.headers | {"langsmith-project": "shop"})) == 200
    [trace] = inbox.traces().values()
    assert semconv.service_name(trace) == "shop"


@pytest.mark.parametrize(
    ("named", "service"), [("langsmith", "shop"), ("unknown_service:node", "shop"), ("own", "own")]
)
def test_a_service_with_a_name_of_its_own_keeps_it(named: str, service: str) -> None:
    attributes = [{"key": "service.name", "value": {"stringValue": named}}]
    span = {"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "chat", "startTimeUnixNano": "1777636800000000000"}
    request = {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": [span]}]}]}
    body = langsmith_otel.with_project_json(json.dumps(request).encode(), "shop")
    assert [semconv.service_name(span) for span in otlp.decode(body, otlp.JSON)] == [service]


def test_an_update_of_javascripts_sdk_names_its_run_in_its_order() -> None:
    run_id = "dc34609e-3eeb-459d-bc2a-6fedb01d2e6e"
    update = {"trace_id": run_id, "dotted_order": f"20241013T070537170001Z{run_id}", "end_time": 1728803138285}
    [span] = langsmith.decode(json.dumps({"patch": [update]}).encode())
    assert span.completes == run_id.replace("-", "")
