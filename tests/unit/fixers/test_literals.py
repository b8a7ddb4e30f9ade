"""Literals of a repository that failing runs say."""

from datetime import UTC, datetime

from fixers.code_index import CodeIndex, Place
from fixers.literals import telling
from webhooks.trace import Span, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INDEX = CodeIndex.over(
    {
        "run.py": b'GIVEN_UP = "Sorry, need more steps."\nHELLO = "Good morning to you"\n',
        "errors.py": b'raise Limit(f"Turns ({n}) are used up")\n',
    }
)


def run(answer: str, *, asked: str = "", told: str = "") -> Trace:
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": asked,
        "llm.input_messages.1.message.role": "tool",
        "llm.input_messages.1.message.content": told,
    }
    root = Span(trace_id="t1", span_id="s0", name="run", start=NOW, attributes={"output.value": answer})
    call = Span(trace_id="t1", span_id="s1", parent_span_id="s0", name="chat", start=NOW, attributes=attributes)
    return Trace.from_spans([root, call])


GOOD = run("Good morning to you", told="shipped")


def test_an_answer_that_stands_in_the_code_leads_there() -> None:
    assert telling([run("Sorry, need more steps.")], [GOOD], INDEX) == [Place("run.py", 1)]


def test_the_fixed_part_of_a_template_is_enough() -> None:
    assert telling([run("", told="Error: Turns (3) are used up")], [GOOD], INDEX) == [Place("errors.py", 1)]


def test_what_healthy_runs_say_as_well_leads_nowhere() -> None:
    assert telling([run("Good morning to you")], [GOOD], INDEX) == []
    assert telling([run("Sorry, need more steps.")], [], INDEX) == []


def test_what_people_asked_leads_nowhere() -> None:
    assert telling([run("", asked="Sorry, need more steps.")], [GOOD], INDEX) == []


def test_what_one_run_of_many_says_leads_nowhere() -> None:
    assert telling([run("Sorry, need more steps."), run("x"), run("y")], [GOOD], INDEX) == []
