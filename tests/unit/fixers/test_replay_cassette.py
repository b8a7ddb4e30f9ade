"""What is recovered of a recorded run."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fixers.errors import CassetteError
from fixers.replay.cassette import NO_ANSWER, Cassette, ModelCall, ModelError, ToolError
from fixers.replay.record import provider_error, record
from tests.unit.fixers.recorded_runs import START, failing, healthy
from webhooks.trace import Event, Span, StatusCode, Trace


def raised(kind: str, message: str) -> Span:
    fields = {"exception.type": kind, "exception.message": message}
    return replace(failing(1).spans[1], events=(Event(name="exception", time=START, attributes=fields),))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("Error code: 429 - {'error': {'message': 'no', 'code': None}}", {"error": {"message": "no", "code": None}}),
        ('Error code: 429 - {"error": {"message": "no"}}', {"error": {"message": "no"}}),
        ("Error code: 429 - {'message': 'no'}", {"error": {"message": "no"}}),
        ("Error code: 429 - slow down", {"error": {"message": "slow down", "type": None, "code": None}}),
        ("Error code: 429 - {1, 2}", {"error": {"message": "{1, 2}", "type": None, "code": None}}),
        ("Error code: 429", {"error": {"message": "", "type": None, "code": None}}),
    ],
)
def test_the_providers_answer_is_read_from_the_exceptions_message(message: str, body: dict[str, Any]) -> None:
    assert provider_error(raised("openai.RateLimitError", message)) == ModelError(status=429, body=body)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("openai.InternalServerError", 500), ("RateLimitError", 429), ("openai.APITimeoutError", NO_ANSWER)],
)
def test_without_a_code_the_exceptions_type_tells_the_status(kind: str, status: int) -> None:
    error = provider_error(raised(kind, "no words"))
    assert error is not None
    assert error.status == status


def test_a_wait_that_the_provider_asked_for_is_kept() -> None:
    error = provider_error(raised("openai.RateLimitError", "Error code: 429 - Please try again in 20s."))
    assert error is not None
    assert error.headers == {"retry-after": "20"}


@pytest.mark.parametrize("name", ["http.response.header.retry-after", "http.response.header.retry_after"])
def test_a_wait_that_the_http_clients_own_span_tells_is_kept(name: str) -> None:
    call = raised("httpx.HTTPStatusError", "Client error '429 Too Many Requests' for url 'http://p/'")
    request = replace(call, span_id="below", parent_span_id=call.span_id, events=(), attributes={name: ["33"]})
    other = replace(request, parent_span_id="elsewhere", attributes={name: ["44"]})
    error = provider_error(call, [call, request, other])
    assert error is not None
    assert error.headers == {"retry-after": "33"}


@pytest.mark.parametrize(("kind", "message"), [("ValueError", "x"), ("x", "Error code: 999 - x"), ("", "")])
def test_an_exception_that_is_not_the_providers_is_no_answer(kind: str, message: str) -> None:
    assert provider_error(raised(kind, message)) is None


def test_calls_are_kept_in_the_order_in_which_they_began() -> None:
    cassette = record(healthy(7))
    assert [len(call.request["messages"]) for call in cassette.model_calls] == [2, 4]
    assert [(call.name, call.arguments, call.result) for call in cassette.tool_calls] == [
        ("get_order", '{"id": 7}', "order 7 has left")
    ]
    assert (cassette.service, cassette.input) == ("shop", '{"turns": ["Where is order 7?"]}')


def test_of_two_tracers_that_saw_one_call_the_inner_one_is_kept() -> None:
    trace = healthy(1)
    wrapper = replace(trace.spans[1], span_id="wrapper")
    spans = [wrapper, *trace.spans[:1], replace(trace.spans[1], parent_span_id="wrapper"), *trace.spans[2:]]
    assert record(Trace.from_spans(spans)).model_calls == record(trace).model_calls


def test_a_tool_that_raised_is_kept_as_its_error() -> None:
    trace = healthy(1)
    fields = {"exception.type": "KeyError", "exception.message": "'id'"}
    event = Event(name="exception", time=START, attributes=fields)
    spans = [
        replace(span, status=StatusCode.ERROR, events=(event,)) if span.name == "tool" else span for span in trace.spans
    ]
    assert record(Trace.from_spans(spans)).tool_calls[0].error == ToolError(type="KeyError", message="'id'")


def test_strange_attributes_give_an_empty_cassette() -> None:
    odd = replace(healthy(1).spans[1], attributes={"openinference.span.kind": "LLM", "input.value": 7})
    assert record(Trace.from_spans([odd])).model_calls == ()


def test_a_cassette_survives_the_way_through_a_file() -> None:
    for trace in (failing(1), healthy(1)):
        kept = record(trace)
        assert Cassette.from_json(json.loads(json.dumps(kept.to_json()))) == kept


def test_a_cassette_that_a_person_wrote_may_leave_out_what_may_be_absent() -> None:
    call = {"request": {"messages": []}, "response": {"choices": []}}
    written = {"trace_id": "t", "input": "{}", "model_calls": [call]}
    assert Cassette.from_json(written).model_calls == (ModelCall(request={"messages": []}, response={"choices": []}),)


@pytest.mark.parametrize(
    "damage",
    [
        {"input": "{}"},
        {"trace_id": "t", "input": "{}", "model_calls": [{"request": {}}]},
        {"trace_id": "t", "input": "{}", "model_calls": [{"request": {}, "response": {}, "surprise": 1}]},
        {"trace_id": "t", "input": "{}", "tool_calls": [{"name": "f"}]},
        {"trace_id": "t", "input": "{}", "tool_calls": ["f"]},
        {"trace_id": "t", "input": "{}", "http_calls": 3},
    ],
)
def test_what_is_no_cassette_is_refused_with_the_reason(damage: dict[str, Any]) -> None:
    with pytest.raises(CassetteError, match="not a cassette"):
        Cassette.from_json(damage)
