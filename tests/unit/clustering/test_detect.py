from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from clustering.describe import describe
from clustering.detect import DETECTORS, Detector, detect, with_policies
from clustering.title import title
from tests.unit.clustering.runs import Run
from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    name: str = "rule"
    tool: str = "refund"
    requires: str = "verify"


def signatures(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> list[tuple[str, str]]:
    return [failure.signature for failure in detect(trace, detectors)]


def test_a_healthy_conversation_has_no_failures(run: Run) -> None:
    run.agent()
    run.llm()
    run.tool()
    run.llm()
    run.feedback(1.0, label="thumbs_up")
    assert detect(run.trace, with_policies([Rule()])) == []


def test_failures_come_oldest_first(run: Run) -> None:
    run.agent()
    run.tool("get_b", result="Error: no")
    run.tool("get_a", result="Error: no")
    run.feedback(0.0)
    assert [key for _, key in signatures(run.trace)] == ["get_b", "get_a", "user_feedback"]


def test_a_step_limit_explains_the_error_and_the_missing_answer(run: Run) -> None:
    run.agent(answer="", error=("MaxTurnsExceeded", "max turns (8) exceeded"))
    run.llm()
    assert signatures(run.trace) == [("limit", "steps")]


def test_one_identity_is_reported_once(run: Run) -> None:
    run.agent()
    rating = run.feedback(0.0, name="helpful")
    second = replace(rating.events[0], attributes=rating.events[0].attributes | {"gen_ai.evaluation.name": "correct"})
    run.spans[-1] = replace(rating, events=(*rating.events, second))
    assert signatures(run.trace) == [("negative_feedback", "correct")]


def test_policies_join_the_other_detectors(run: Run) -> None:
    run.agent()
    run.tool("refund")
    assert signatures(run.trace, with_policies([Rule()])) == [("policy", "rule")]
    assert with_policies([]) is DETECTORS


TEXTS = st.one_of(st.text(max_size=40), st.just("x" * 50_000), st.just("[" * 3_000), st.just('{"error": "no"}'))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "openinference.span.kind",
        "gen_ai.operation.name",
        "gen_ai.input.messages",
        "input.value",
        "output.value",
        "tool.name",
        "tool_call.id",
        "error.type",
        "llm.finish_reason",
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "llm.input_messages.0.message.tool_call_id",
        "exception.type",
        "exception.message",
        "exception.stacktrace",
        "gen_ai.evaluation.name",
        "gen_ai.evaluation.score.value",
        "session.id",
    ]
)
KINDS = st.sampled_from(["LLM", "TOOL", "AGENT", "CHAIN"]).map(lambda kind: {"openinference.span.kind": kind})
ATTRIBUTES = st.builds(lambda found, kind: found | kind, st.dictionaries(KEYS, VALUES, max_size=8), KINDS | st.just({}))
TIMES = st.integers(-9, 9).map(lambda seconds: NOW + timedelta(seconds=seconds))
SPANS = st.builds(
    Span,
    trace_id=st.just("t"),
    span_id=st.sampled_from("abcdef"),
    parent_span_id=st.none() | st.sampled_from("abcdefz"),
    name=TEXTS,
    start=TIMES,
    end=st.none() | TIMES,  # before the start as often as after it
    status=st.sampled_from(StatusCode),
    status_message=TEXTS,
    attributes=ATTRIBUTES,
    events=st.lists(
        st.builds(
            Event,
            name=st.sampled_from(["exception", "gen_ai.evaluation.result", "log"]),
            time=TIMES,
            attributes=ATTRIBUTES,
        ),
        max_size=2,
    ).map(tuple),
    resource=st.dictionaries(st.sampled_from(["service.name", "service.version"]), VALUES, max_size=2),
)


@given(st.lists(SPANS, max_size=7).map(lambda spans: Trace(trace_id="t", spans=tuple(spans))))
def test_nothing_strange_in_a_trace_makes_a_detector_raise(trace: Trace) -> None:
    for failure in detect(trace, with_policies([Rule()])):
        assert trace.span(failure.span_id) is not None
        assert failure.structural_key.startswith(failure.detector)
        assert "\n" not in title(failure, describe(failure, trace))
