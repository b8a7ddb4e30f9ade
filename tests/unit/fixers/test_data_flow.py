"""What a harness did to the data of a run, told from the run's spans."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fixers.data_flow import Symptom, shown, symptoms
from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SYSTEM, USER = ("system", "Be brief."), ("user", "Where are A1 and B2?")
TOOL = {
    "type": "function",
    "function": {
        "name": "look",
        "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    },
}
LONG = "Order A1: one blue cup of stoneware, wrapped in paper. Status: shipped."

Said = tuple[str, str] | tuple[str, str, Sequence[str]]


def call(number: int, *messages: Said, said: str = "", asks: Sequence[str] = (), tool: Any = TOOL) -> Span:  # noqa: ANN401 - JSON
    attributes: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.tools.0.tool.json_schema": json.dumps(tool),
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": said,
        **asked("llm.output_messages.0.message", asks),
    }
    for at, (role, content, *calls) in enumerate(messages):
        place = f"llm.input_messages.{at}.message"
        attributes |= {f"{place}.role": role, f"{place}.content": content, **asked(place, calls[0] if calls else ())}
    return span(number, "chat", attributes)


def asked(place: str, arguments: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at, each in enumerate(arguments):
        prefix = f"{place}.tool_calls.{at}.tool_call"
        found |= {f"{prefix}.id": f"c{at}", f"{prefix}.function.name": "look", f"{prefix}.function.arguments": each}
    return found


def tool(number: int, output: str = "", *, arguments: str = '{"id": "A1"}', error: str = "") -> Span:
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": "look",
        "tool_call.id": "c0",
        "input.value": arguments,
        **({"output.value": output} if output else {}),
    }
    return span(number, "look", attributes, error=error)


def span(number: int, name: str, attributes: dict[str, Any], *, error: str = "") -> Span:
    raised = {"exception.type": "ValueError", "exception.message": error}
    return Span(
        trace_id="t1",
        span_id=f"s{number}",
        parent_span_id=None if number == 0 else "s0",
        name=name,
        start=NOW + timedelta(seconds=number),
        end=NOW + timedelta(seconds=number or 99),
        status=StatusCode.ERROR if error else StatusCode.OK,
        attributes=attributes,
        events=(Event(name="exception", time=NOW, attributes=raised),) if error else (),
    )


def run(*spans: Span, answer: str = "They are shipped.") -> Trace:
    root = {"openinference.span.kind": "AGENT", "input.value": USER[1], "output.value": answer}
    return Trace.from_spans([span(0, "agent", root), *spans])


A1, B2 = '{"id": "A1"}', '{"id": "B2"}'
ASKS = call(1, SYSTEM, USER, asks=[A1])
ANSWERS = call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", LONG), said="They are shipped.")
HEALTHY = run(ASKS, tool(2, LONG), ANSWERS)
LOOSE = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"id": {}}}}}

BROKEN = {
    "the second of two calls is not made": (
        Symptom.CALL_DROPPED,
        run(
            call(1, SYSTEM, USER, asks=[A1, B2]),
            call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", LONG), said="They are shipped."),
        ),
    ),
    "the tool is called with less than the model gave": (
        Symptom.CALL_ALTERED,
        run(ASKS, tool(2, LONG, arguments="{}"), ANSWERS),
    ),
    "a result is shortened": (
        Symptom.RESULT_LOST,
        run(
            ASKS,
            tool(2, LONG),
            call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", LONG[:30]), said="They are shipped."),
        ),
    ),
    "a result is empty, and no span tells of the tool": (
        Symptom.RESULT_LOST,
        run(ASKS, call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", ""), said="They are shipped.")),
    ),
    "the reason of a failure is kept from the model": (
        Symptom.ERROR_HIDDEN,
        run(
            ASKS,
            tool(2, error="ids start with ORD-"),
            call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", "Try again."), said="They are shipped."),
        ),
    ),
    "a later request has no system prompt": (
        Symptom.PROMPT_LOST,
        run(ASKS, tool(2, LONG), call(3, USER, ("assistant", "", [A1]), ("tool", LONG), said="They are shipped.")),
    ),
    "the question is forgotten": (
        Symptom.MESSAGE_LOST,
        run(ASKS, tool(2, LONG), call(3, SYSTEM, ("assistant", "", [A1]), ("tool", LONG), said="They are shipped.")),
    ),
    "the newest message is cut off": (
        Symptom.MESSAGE_LOST,
        run(call(1, SYSTEM, ("user", "Hello"), ("assistant", "Hi."), said="They are shipped.")),
    ),
    "the run ends in the middle": (Symptom.CUT_SHORT, run(ASKS, tool(2, LONG))),
    "the answer is cut": (Symptom.ANSWER_ALTERED, run(ASKS, tool(2, LONG), ANSWERS, answer="They are")),
    "an argument may be left out": (
        Symptom.LOOSE_SCHEMA,
        run(call(1, SYSTEM, USER, asks=["{}"], tool=LOOSE), tool(2, LONG, arguments="{}"), ANSWERS),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_harness_does_to_its_data_shows(name: str) -> None:
    symptom, trace = BROKEN[name]
    assert symptom in shown(trace)
    assert symptom in symptoms([trace], [HEALTHY])


def test_a_run_in_which_all_arrives_shows_nothing() -> None:
    assert shown(HEALTHY) == frozenset()


def test_a_result_may_be_wrapped_escaped_or_recorded_as_a_message() -> None:
    wrapped = json.dumps({"type": "tool", "data": {"content": LONG, "status": "success"}})
    for told in (f"Observation:\n{LONG}", json.dumps({"result": LONG}), LONG.replace("\n", "\\n")):
        after = call(3, SYSTEM, USER, ("assistant", "", [A1]), ("tool", told), said="They are shipped.")
        assert shown(run(ASKS, tool(2, wrapped), after)) == frozenset()


def test_what_healthy_runs_show_as_well_is_no_symptom() -> None:
    cut = BROKEN["a result is shortened"][1]
    assert symptoms([cut, cut], [cut, HEALTHY]) == []
    assert symptoms([cut, HEALTHY, HEALTHY], [HEALTHY]) == []


def test_without_a_healthy_run_nothing_is_compared() -> None:
    assert symptoms([BROKEN["a result is shortened"][1]], []) == []


def test_a_call_that_client_and_framework_both_record_counts_once() -> None:
    inner = replace(call(2, SYSTEM, USER, asks=[A1]), parent_span_id="s1")
    after = call(4, SYSTEM, USER, ("assistant", "", [A1]), ("tool", LONG), said="They are shipped.")
    assert shown(run(ASKS, inner, tool(3, LONG), after)) == frozenset()
