from typing import Any

import pytest

from clustering.detectors.limits import Limits
from tests.unit.clustering.runs import Run
from webhooks.trace import Event, StatusCode


def keys(run: Run) -> list[str]:
    return [failure.key for failure in Limits()(run.trace)]


@pytest.mark.parametrize("reason", ["length", "max_tokens"])
def test_an_answer_cut_off_at_its_token_limit_is_a_failure(run: Run, reason: str) -> None:
    run.agent()
    run.llm(finish=reason)
    assert keys(run) == ["length"]


def test_a_cut_answer_that_the_harness_continued_is_not(run: Run) -> None:
    run.agent()
    run.llm(("user", "Tell me all"), finish="length")
    run.llm(("user", "Tell me all"), ("assistant", "First"))
    assert keys(run) == []


def test_a_cut_answer_that_the_user_had_to_read_is(run: Run) -> None:
    run.agent()
    run.llm(("user", "Tell me all"), finish="length")
    run.llm(("user", "Tell me all"), ("assistant", "First"), ("user", "And?"))
    assert keys(run) == ["length"]


@pytest.mark.parametrize(
    "root",
    [
        {"answer": "Agent stopped due to iteration limit or max iterations."},
        {"answer": "Sorry, need more steps to process this request."},
        {"answer": "", "error": ("GraphRecursionError", "Recursion limit of 25 reached")},
        {"answer": None, "error": ("agents.exceptions.MaxTurnsExceeded", "gave up")},
        {"answer": "", "status": StatusCode.ERROR, "status_message": "step limit reached"},
    ],
)
def test_a_run_that_says_it_ended_at_its_step_limit_is_a_failure(run: Run, root: dict[str, Any]) -> None:
    run.agent(**root)
    run.llm()
    assert keys(run) == ["steps"]


def test_a_step_limit_told_by_an_event_counts_when_no_answer_was_given(run: Run) -> None:
    root = run.agent(answer="")
    run.add("stop", {}, events=(Event(name="step_limit_reached", time=root.start),))
    assert keys(run) == ["steps"]


def test_a_step_limit_after_which_the_run_answered_all_the_same_does_not_count(run: Run) -> None:
    root = run.agent(answer="Your order is on its way.")
    run.add("stop", {}, events=(Event(name="step_limit_reached", time=root.start),))
    assert keys(run) == []


def test_a_configured_limit_is_not_a_reached_one(run: Run) -> None:
    run.agent(answer="")
    run.add("step", {"agent.max_steps": 8, "agent.step_limit_reached": False})
    assert keys(run) == []


def test_a_flag_that_says_the_limit_was_reached_counts(run: Run) -> None:
    run.agent(answer="")
    run.add("step", {"agent.step_limit_reached": True})
    assert keys(run) == ["steps"]
