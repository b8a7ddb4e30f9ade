from typing import Any

import pytest

from clustering.detectors.errors import Errors
from tests.unit.clustering.runs import RATE_LIMIT, Run
from webhooks.trace import StatusCode

FRAMES = """Traceback (most recent call last):
  File "/srv/shop/agent.py", line 41, in run_tools
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode
json.decoder.JSONDecodeError: Expecting value"""


def errors(run: Run) -> list[tuple[str, str]]:
    return [(failure.key, failure.span_id) for failure in Errors()(run.trace)]


def test_an_error_recorded_on_a_span_and_its_ancestors_is_one_failure_at_the_deepest(run: Run) -> None:
    run.agent(error=RATE_LIMIT)
    run.add("step", {}, error=RATE_LIMIT)
    run.llm(error=RATE_LIMIT, parent="02")
    assert errors(run) == [("RateLimitError", "03")]


def test_attempts_of_one_call_are_one_failure_at_the_last(run: Run) -> None:
    run.agent(error=RATE_LIMIT)
    for _ in range(3):
        run.llm(error=RATE_LIMIT)
    assert errors(run) == [("RateLimitError", "04")]


def test_a_retry_that_succeeded_is_no_failure(run: Run) -> None:
    run.agent()
    run.llm(error=RATE_LIMIT)
    run.llm()
    assert errors(run) == []


def test_a_retry_that_succeeded_does_not_help_a_run_that_failed(run: Run) -> None:
    run.agent(error=("ValueError", "no answer"))
    run.llm(error=RATE_LIMIT)
    run.llm()
    assert errors(run) == [("ValueError", "01"), ("RateLimitError", "02")]


def test_a_success_elsewhere_is_no_retry(run: Run) -> None:
    run.agent()
    run.llm(error=RATE_LIMIT)
    run.tool()
    assert errors(run) == [("RateLimitError", "02")]


def test_an_exception_that_wraps_another_is_not_counted_again(run: Run) -> None:
    run.agent(error=("AgentError", "gave up"), stacktrace=f"{RATE_LIMIT[0]}: {RATE_LIMIT[1]}\nAgentError: gave up")
    run.llm(error=RATE_LIMIT)
    run.add("cleanup", {})
    assert errors(run) == [("RateLimitError", "02")]


def test_the_same_exception_further_up_is_one_failure_whatever_succeeded_in_between(run: Run) -> None:
    run.agent(error=RATE_LIMIT)
    run.llm(error=RATE_LIMIT)
    run.add("cleanup", {})
    assert errors(run) == [("RateLimitError", "02")]


def test_an_ancestor_that_failed_for_another_reason_later_is_a_failure_of_its_own(run: Run) -> None:
    run.agent(error=("ValueError", "no such page"))
    run.add("step", {}, error=("KeyError", "'x'"))
    run.llm()
    assert errors(run) == [("ValueError", "01"), ("KeyError", "02")]


def test_an_error_that_stays_in_its_tool_is_left_to_the_tool_error_detector(run: Run) -> None:
    run.agent()
    run.tool(error=("ToolError", "unknown order"))
    assert errors(run) == []


def test_an_error_that_leaves_its_tool_is_one_failure_at_the_tool(run: Run) -> None:
    run.agent(error=("KeyError", "'city'"))
    run.tool(error=("KeyError", "'city'"))
    assert errors(run) == [("KeyError", "02")]


def test_an_exception_on_a_span_marked_ok_was_handled(run: Run) -> None:
    run.agent()
    run.llm(error=RATE_LIMIT, status=StatusCode.OK)
    assert errors(run) == []


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"attributes": {"error.type": "timeout"}}, "timeout"),
        (
            {"attributes": {}, "status": StatusCode.ERROR, "status_message": "RateLimitError: slow down"},
            "RateLimitError",
        ),
        ({"attributes": {}, "status": StatusCode.ERROR, "status_message": "it broke"}, "error"),
        ({"attributes": {}, "status": StatusCode.ERROR}, "error"),
    ],
)
def test_an_error_without_an_exception_is_keyed_by_what_the_span_says(
    run: Run, fields: dict[str, Any], key: str
) -> None:
    run.agent()
    run.add("step", **fields)
    assert errors(run) == [(key, "02")]


def test_the_reason_names_the_function_that_raised(run: Run) -> None:
    run.agent(error=("json.decoder.JSONDecodeError", "Expecting value"), stacktrace=FRAMES)
    (failure,) = Errors()(run.trace)
    assert failure.reason == "JSONDecodeError in agent.py:run_tools ends the conversation."


def test_the_failure_says_who_ran_for_whom(run: Run) -> None:
    run.agent(error=RATE_LIMIT)
    (failure,) = Errors()(run.trace)
    assert (failure.service, failure.release) == ("shop", "1.2")
    assert (failure.session_id, failure.user_id) == ("s-1", "u-1")
