import json
from collections.abc import Sequence

import pytest

from clustering.anchor import Anchor, anchor
from clustering.detect import detect
from clustering.failure_at import failure_at
from tests.unit.clustering.detectors.said import chat
from tests.unit.clustering.runs import Run

STACK = 'File "/app/shop/agent.py", line 12, in run\n  File "/lib/python3.11/json/decoder.py", line 9, in decode\n'


def anchored(run: Run, span_id: str, detector: str) -> Anchor:
    span = run.trace.span(span_id)
    return anchor(run.trace, failure_at(run.trace, span, detector=detector, key="k", message="", reason=""))


def asked(run: Run, *calls: tuple[str, object]) -> None:
    chat(run, ("user", "Hi"), calls=[(name, json.dumps(arguments)) for name, arguments in calls])


def test_a_refused_call_began_with_the_model_that_asked_for_it(run: Run) -> None:
    run.agent()
    asked(run, ("get_order", {"id": "A-1"}))
    run.tool(result="Error: no", arguments={"id": "A-1"})
    [failure] = detect(run.trace)
    assert (anchor(run.trace, failure).shown, anchor(run.trace, failure).explained) == ("03", "02")


def test_an_argument_that_a_failed_call_gave_began_there(run: Run) -> None:
    run.agent()
    run.tool("find_order", '{"error": "no such order, did you mean W1234?"}')
    asked(run, ("get_order", {"id": "W1234"}))
    run.tool(result="Error: no", arguments={"id": "W1234"})
    assert anchored(run, "04", "tool_error").explained == "02"


def test_a_habit_began_with_its_first_call(run: Run) -> None:
    run.agent()
    for _ in range(3):
        asked(run, ("get_order", {"id": 1}))
        run.tool(arguments={"id": 1})
    assert anchored(run, "07", "repeated_call").explained == "02"


def test_an_objection_is_explained_by_the_answer_before_it(run: Run) -> None:
    run.agent()
    chat(run, ("user", "Hi"), answer="It is red.")
    chat(run, ("user", "Hi"), ("user", "That's wrong."))
    assert anchored(run, "03", "objection").explained == "02"


def judged(tools: Sequence[str]) -> str:
    run = Run()
    run.agent()
    for name in tools:
        asked(run, (name, {}))
        run.tool(name)
    return anchored(run, "01", "negative_feedback").explained


def test_a_run_that_is_judged_bad_is_explained_by_what_broke_in_it(run: Run) -> None:
    run.agent()
    asked(run, ("refund", {}))
    run.tool("refund")
    run.llm(error=("openai.RateLimitError", "429"))
    assert anchored(run, "01", "negative_feedback").explained == "04"


def test_a_lookup_that_was_refused_explains_no_bad_run(run: Run) -> None:
    run.agent()
    asked(run, ("find_order", {"id": 1}))
    run.tool("find_order", result="Error: no", arguments={"id": 1})
    asked(run, ("refund", {}))
    run.tool("refund")
    assert anchored(run, "01", "negative_feedback").explained == "04"


@pytest.mark.parametrize(
    ("tools", "explained"),
    [
        (["get_order", "update_order", "refund"], "06"),  # the last change
        (["get_order", "transfer_to_human_agents"], "04"),  # else the hand-over
        (["get_order", "get_user"], "04"),  # else what was made of the look-ups
        (["python", "python"], "02"),  # else the first program
    ],
)
def test_without_that_by_what_the_run_left_behind(tools: Sequence[str], explained: str) -> None:
    assert judged(tools) == explained


def test_programs_are_explained_by_the_first_that_failed(run: Run) -> None:
    run.agent()
    for result in ("exit code: 0", "exit status 1", "Traceback (most recent call last):"):
        asked(run, ("python", {"code": result}))
        run.tool("python", result, arguments={"code": result})
    assert anchored(run, "01", "negative_feedback").explained == "04"


def test_an_ignored_error_began_with_the_call_that_was_refused(run: Run) -> None:
    run.agent()
    asked(run, ("cancel_order", {"id": 1}))
    run.tool("cancel_order", "Error: no", arguments={"id": 1})
    chat(run, ("user", "Hi"), answer="It has been cancelled.")
    [failure] = detect(run.trace)
    assert (anchor(run.trace, failure).shown, anchor(run.trace, failure).explained) == ("04", "02")


def test_what_ran_the_call_may_name_the_code(run: Run) -> None:
    run.agent()
    run.add("step", {"code.file.path": "shop/tools.py", "code.line.number": 3})
    run.tool(result="Error: no", parent="02")
    [failure] = detect(run.trace)
    assert anchor(run.trace, failure).location == ("shop/tools.py", 3)


def test_the_location_is_the_innermost_frame_of_the_harness_itself(run: Run) -> None:
    run.agent(error=("JSONDecodeError", "no"), stacktrace=STACK)
    [failure] = detect(run.trace)
    assert anchor(run.trace, failure).location == ("/app/shop/agent.py", 12)


def test_the_span_that_explains_a_failure_may_name_the_code(run: Run) -> None:
    run.agent()
    chat(run, answer="It is red.", **{"code.file.path": "shop/agent.py", "code.line.number": 7})
    chat(run, ("user", "That's wrong."))
    assert anchored(run, "03", "objection").location == ("shop/agent.py", 7)
    assert anchored(run, "01", "error").location is None
