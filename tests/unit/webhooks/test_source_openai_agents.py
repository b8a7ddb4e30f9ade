import json

from clustering.detect import detect
from tests.unit.webhooks.captures import ListInbox, captured, client_of, send
from webhooks import semconv
from webhooks.sources import openai_agents
from webhooks.trace import Trace

KEY = {"authorization": "Bearer tw_key"}


def received() -> Trace:
    inbox = ListInbox()
    [request] = captured("openai_agents")
    assert send(client_of(inbox), request) == 202
    [trace] = inbox.traces().values()
    return trace


def test_a_trace_becomes_the_root_of_its_spans() -> None:
    trace = received()
    assert {span.name for span in trace.spans} == {"Support", "support", "generation", "get_order", "polite"}
    assert (trace.root.name, trace.root.end) == ("Support", None)
    assert trace.root.start == min(span.start for span in trace.spans)
    assert (semconv.session_id(trace), semconv.user_id(trace), semconv.service_name(trace)) == ("s-1", "u-1", "Support")


def test_messages_and_tool_calls_are_found() -> None:
    spans = {span.name: span for span in received().spans}
    chat, tool = spans["generation"], spans["get_order"]
    assert [message.content for message in semconv.input_messages(chat)] == ["Where is A1?"]
    assert semconv.output_messages(chat)[0].tool_calls[0].name == "get_order"
    assert (semconv.model(chat), semconv.usage(chat)) == ("gpt-4o-mini", (9, 4))
    assert (semconv.tool_name(tool), semconv.tool_arguments(tool)) == ("get_order", '{"order_id": "A1"}')


def test_a_failed_tool_and_a_tripped_guardrail_are_failures() -> None:
    found = {(failure.detector, failure.span_id) for failure in detect(received())}
    spans = {span.name: span.span_id for span in received().spans}
    assert ("tool_error", spans["get_order"]) in found
    assert spans["polite"] in {span_id for _, span_id in found}


def test_children_may_come_before_their_trace() -> None:
    [request] = captured("openai_agents")
    items = json.loads(request.body)["data"]
    inbox = ListInbox()
    client = client_of(inbox)
    for item in items[::-1]:
        assert client.post("/v1/traces/ingest", json={"data": [item]}, headers=KEY).status_code == 202
    assert list(inbox.traces().values()) == [received()]


def test_a_trace_sent_again_is_the_same_record() -> None:
    body = b'{"data": [{"object": "trace", "id": "trace_1", "workflow_name": "w"}]}'
    spans = [openai_agents.decode(openai_agents.stamped(body, f"2026-01-0{day}T00:00:00Z"))[0] for day in (1, 2)]
    assert spans[0].span_id == spans[1].span_id


def test_a_span_without_an_id_is_quarantined() -> None:
    inbox = ListInbox()
    broken = {"data": [{"object": "trace.span", "started_at": "2026-01-01T00:00:00Z"}]}
    assert client_of(inbox).post("/v1/traces/ingest", json=broken, headers=KEY).status_code == 400
    assert len(inbox.quarantined) == 1


def test_items_of_the_responses_api_are_read_as_messages() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    data = {"type": "generation", "input": "Hi", "output": [call]}
    item = {"id": "s", "trace_id": "t", "started_at": "2026-01-01T00:00:00Z", "span_data": data}
    span, begun = openai_agents.decode(json.dumps({"data": [item]}).encode())
    assert (begun.completes, semconv.input_messages(span)[0].content) == ("t", "Hi")
    assert semconv.output_messages(span)[0].tool_calls[0].id == "c"
