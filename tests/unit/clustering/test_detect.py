from collections.abc import Sequence
from dataclasses import replace

from clustering.detect import DETECTORS, Detector, detect, with_policies
from clustering.rule import Rule
from tests.unit.clustering.runs import Run
from webhooks.trace import Trace

RULE = Rule(name="rule", tool="refund", requires="verify")


def signatures(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> list[tuple[str, str]]:
    return [failure.signature for failure in detect(trace, detectors)]


def test_a_healthy_conversation_has_no_failures(run: Run) -> None:
    run.agent()
    run.llm()
    run.tool()
    run.llm()
    run.feedback(1.0, label="thumbs_up")
    assert detect(run.trace, with_policies([RULE])) == []


def test_failures_come_oldest_first(run: Run) -> None:
    run.agent()
    run.tool("get_b", result="Error: no")
    run.tool("get_a", result="Error: no")
    assert [key for _, key in signatures(run.trace)] == ["get_b", "get_a"]


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
    assert signatures(run.trace, with_policies([RULE])) == [("policy", "rule")]
    assert with_policies([]) is DETECTORS
