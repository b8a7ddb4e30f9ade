import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering.anchor import anchor
from clustering.constraints import constraint_log
from clustering.describe import describe
from clustering.detect import detect, with_policies
from clustering.judgement import read_judgement
from clustering.outliers import Fence, Outliers, outliers
from clustering.rule import Rule, Unless
from clustering.title import title
from clustering.transcript import transcript
from tests.unit.clustering.strange_traces import NOW, strange_trace
from webhooks.trace import Span, StatusCode, Trace

RULES = (
    Rule(name="rule", tool="refund", requires="verify"),
    Rule(name="yes", tool="*", confirmed=True, at_most=1, unless=Unless(tool="get_order", field="status", value="x")),
)
POPULATION = {name: Fence(median=0.0, upper=0.5, lower=2.0) for name in ("model calls", "tool calls")}


class Anything(dict[str, dict[str, Fence]]):
    """The same fences for every intent."""

    def get(self, _key: str, _default: object = None) -> dict[str, Fence]:
        return POPULATION


DETECTORS = (*with_policies(RULES), Outliers(fences=Anything()))
NUMBERS = st.integers(min_value=0, max_value=2**64)
#: TRACEWRIGHT_TEST_ALL_STRANGE=1 sees ten thousand.
N_TRACES = 10_000 if os.environ.get("TRACEWRIGHT_TEST_ALL_STRANGE") else 2_000
PATIENT = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


def see(number: int) -> None:
    trace = strange_trace(number)
    for failure in detect(trace, DETECTORS):
        assert trace.span(failure.span_id) is not None
        assert "\n" not in title(failure, describe(failure, trace))
        assert "\n" not in failure.reason
        assert trace.span(anchor(trace, failure).explained) is not None
    for check in constraint_log(trace, RULES):
        assert trace.span(check.span_id) is not None
        assert "\n" not in check.why
    run = transcript(trace)
    assert len(run.lines().splitlines()) == len(run.steps)
    read_judgement(
        json.dumps({"failed": True, "cited": [{"step": "s1", "quote": step.text} for step in run.steps]}), run
    )


@given(NUMBERS)
@settings(PATIENT, max_examples=150)
def test_nothing_strange_in_a_trace_makes_a_detector_raise(number: int) -> None:
    see(number)


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(NUMBERS)
@settings(PATIENT, max_examples=N_TRACES)
def test_nothing_strange_in_thousands_of_traces_makes_a_detector_raise(number: int) -> None:
    see(number)


def test_strange_populations_have_outliers_or_none() -> None:
    outliers([strange_trace(number) for number in range(100)])


class Counted(dict[str, Any]):
    """Attributes that count how often they are read."""

    reads = 0

    def get(self, key: str, default: object = None) -> Any:  # noqa: ANN401 - as a dictionary does
        type(self).reads += 1
        return super().get(key, default)


def many(make: Callable[[int], dict[str, Any]], n_spans: int, *, deep: bool) -> Trace:
    first = Span(trace_id="t", span_id="0", name="run", start=NOW, end=NOW)
    spans = [
        replace(
            first,
            span_id=str(at),
            parent_span_id=str(at - 1) if deep else "0",
            start=NOW + timedelta(seconds=at),
            end=NOW + timedelta(seconds=at),
            status=StatusCode.ERROR,
            status_message=f"ValueError: {at}",
            attributes=Counted(make(at)),
        )
        for at in range(1, n_spans)
    ]
    return Trace(trace_id="t", spans=(replace(first, status=StatusCode.ERROR, attributes=Counted()), *spans))


KINDS = {
    "tools": lambda at: {
        "openinference.span.kind": "TOOL",
        "tool.name": f"get_{at % 50}",
        "tool_call.id": f"c{at}",
        "input.value": f'{{"id": "A-{at}"}}',
        "output.value": f"Error: {at}",
    },
    "calls": lambda at: {
        "openinference.span.kind": "LLM",
        "gen_ai.input.messages": f'[{{"role": "user", "content": "That is wrong {at}"}}]',
        "output.value": f"I have sent {at}.",
    },
    "talk": lambda at: {
        "openinference.span.kind": "LLM",
        "gen_ai.input.messages": f'[{{"role": "user", "content": "Hi"}}, {{"role": "user", "content": "Go {at}"}}]',
        "gen_ai.output.messages": '[{"role": "assistant", "content": "Shall I proceed?"}]',
    },
    "deeds": lambda at: {
        "openinference.span.kind": "TOOL",
        "tool.name": "get_order" if at % 2 else "refund",
        "input.value": f'{{"id": "A-{at}"}}',
        "output.value": '{"status": "x"}',
    },
    "steps": lambda _at: {},
}


def reads(make: Callable[[int], dict[str, Any]], n_spans: int, *, deep: bool) -> float:
    trace = many(make, n_spans, deep=deep)
    Counted.reads = 0
    detect(trace, DETECTORS)
    return Counted.reads / n_spans


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_span_of_a_long_trace_is_not_read_more_often_than_one_of_a_short_trace(kind: str, deep: bool) -> None:  # noqa: FBT001
    assert reads(KINDS[kind], 400, deep=deep) < 1.5 * reads(KINDS[kind], 200, deep=deep)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_spans_are_read_in_proportion(kind: str) -> None:
    assert reads(KINDS[kind], 10_000, deep=False) < 1.5 * reads(KINDS[kind], 1_000, deep=False)
