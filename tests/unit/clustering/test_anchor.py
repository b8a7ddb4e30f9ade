import json
from collections.abc import Sequence

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


def test_a_run_that_is_judged_bad_is_explained_by_what_else_looks_wrong(run: Run) -> None:
    run.agent()
    asked(run, ("get_order", {"id": 1}))
    run.tool(result="Error: no", arguments={"id": 1})
    asked(run, ("refund", {}))
    run.tool("refund")
    assert anchored(run, "01", "negative_feedback").explained == "02"


def test_without_that_by_the_last_change_or_else_the_first_call() -> None:
    assert judged(["get_order", "update_order", "refund"]) == "06"
    assert judged(["get_order", "get_user"]) == "02"


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
