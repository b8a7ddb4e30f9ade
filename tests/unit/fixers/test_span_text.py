import json
from datetime import UTC, datetime, timedelta
from typing import Any

from fixers.span_text import run_data, span_line
from webhooks.trace import Event, Span

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = {"role": "system", "content": "You help customers. " * 40}
QUESTION = {"role": "user", "content": "Where is my parcel?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"id": 7}'}}],
}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "on its way"}
TOOLS = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]


def call(number: int, messages: list[dict[str, Any]], answer: dict[str, Any]) -> Span:
    return Span(
        trace_id="a" * 32,
        span_id=f"{number:016x}",
        name="ChatCompletion",
        start=NOW + timedelta(seconds=number),
        attributes={
            "openinference.span.kind": "LLM",
            "input.value": json.dumps({"model": "m", "messages": messages, "tools": TOOLS}),
            "output.value": json.dumps({"choices": [{"message": answer, "finish_reason": "stop"}]}),
        },
    )


FIRST = call(1, [SYSTEM, QUESTION], CALL)
SECOND = call(2, [SYSTEM, QUESTION, CALL, RESULT], {"role": "assistant", "content": "It is on its way."})


def test_a_model_call_is_told_by_what_is_new_in_it_and_what_it_asks_for() -> None:
    assert span_line(FIRST, 300).splitlines()[1:] == [
        "  in, message 2, user: Where is my parcel?",
        '  calls: track {"id": 7}',
    ]
    assert span_line(SECOND, 300).splitlines()[1:] == [
        "  in, message 4, tool: on its way",
        "  out: It is on its way.",
    ]


def test_a_run_says_each_message_once() -> None:
    first, second = (data["attributes"] for data in run_data([FIRST, SECOND]))
    assert first["messages"] == [SYSTEM, QUESTION]
    assert second["messages"] == [f"the 2 messages of span {1:016x}, then:", CALL, RESULT]
    assert (first["tools"], second["tools"]) == (TOOLS, f"the same as in span {1:016x}")


def test_a_call_that_lost_messages_shows_all_that_it_was_sent() -> None:
    lost = call(2, [QUESTION, CALL, RESULT], {"role": "assistant", "content": "Which parcel?"})
    assert list(run_data([FIRST, lost]))[1]["attributes"]["messages"] == [QUESTION, CALL, RESULT]


def test_a_span_that_is_no_model_call_keeps_its_attributes() -> None:
    tool = Span(trace_id="a" * 32, span_id="3" * 16, name="track", start=NOW, attributes={"tool.name": "track"})
    assert next(run_data([tool]))["attributes"] == {"tool.name": "track"}


def test_a_rating_is_told_with_the_user_s_words() -> None:
    rated = Event(
        name="gen_ai.evaluation.result",
        time=NOW,
        attributes={
            "gen_ai.evaluation.name": "user_feedback",
            "gen_ai.evaluation.score.value": 0.0,
            "gen_ai.evaluation.score.label": "thumbs_down",
            "gen_ai.evaluation.explanation": "Not my parcel.",
        },
    )
    span = Span(trace_id="a" * 32, span_id="4" * 16, name="feedback", start=NOW, events=(rated,))
    assert "rated: user_feedback: thumbs_down, Not my parcel." in span_line(span, 300)
