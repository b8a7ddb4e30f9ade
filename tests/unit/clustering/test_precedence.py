from clustering.detect import detect
from clustering.precedence import SIGNS, settle
from clustering.score import COST
from clustering.title import TITLES
from tests.unit.clustering.runs import Run, make_failure


def settled(run: Run, *failures: tuple[str, str, str]) -> list[tuple[str, str]]:
    found = [
        make_failure(detector=detector, key=key, span_id=span, occurred_at=run.trace.span(span).end)
        for detector, key, span in failures
    ]
    return [failure.signature for failure in settle(found, run.trace)]


def test_an_error_stands_for_the_bad_arguments_that_led_to_it(run: Run) -> None:
    run.agent(error=("JSONDecodeError", "no"))
    run.llm()
    assert settled(run, ("invalid_tool_arguments", "a", "02"), ("error", "JSONDecodeError", "02")) == [
        ("error", "JSONDecodeError")
    ]


def test_bad_arguments_stand_for_the_refusal_of_that_tool_and_no_other(run: Run) -> None:
    run.agent()
    run.llm()
    run.tool()
    bad = ("invalid_tool_arguments", "get_order", "02")
    assert settled(run, bad, ("tool_error", "get_order", "03")) == [bad[:2]]
    assert len(settled(run, bad, ("tool_error", "refund", "03"))) == 2


def test_a_named_error_stands_for_the_class_of_the_refusal(run: Run) -> None:
    run.agent()
    run.llm()
    named = ("error", "RateLimitError", "02")
    assert settled(run, ("provider_error", "rate_limit", "02"), named) == [named[:2]]


def test_the_class_stands_for_an_error_that_names_nothing_when_trying_again_is_no_use(run: Run) -> None:
    run.agent()
    run.llm()
    unnamed = ("error", "BadRequestError", "02")
    assert settled(run, ("provider_error", "context_length", "02"), unnamed) == [("provider_error", "context_length")]
    assert settled(run, ("provider_error", "server_error", "02"), unnamed) == [unnamed[:2]]


def test_a_sign_speaks_only_where_nothing_broke(run: Run) -> None:
    run.agent()
    run.tool(result="Error: no")
    run.llm(("user", "Refund A-1."))
    run.llm(("user", "Refund A-1."), ("assistant", "Refunded B-2."), ("user", "That's not what I asked for."))
    assert [failure.detector for failure in detect(run.trace)] == ["tool_error"]


def test_a_bad_rating_of_a_run_that_broke_is_no_second_failure(run: Run) -> None:
    run.agent(answer="")
    run.llm()
    run.feedback(0.0, words="I waited and got no answer")
    assert [failure.detector for failure in detect(run.trace)] == ["empty_answer"]


def test_a_run_that_lost_its_instructions_repeats_itself_for_that_reason(run: Run) -> None:
    run.agent()
    run.llm()
    run.tool()
    lost, repeated = ("lost_system_prompt", "system", "02"), ("repeated_call", "get_order", "03")
    assert settled(run, lost, repeated) == [lost[:2]]
    assert len(settled(run, ("repeated_call", "get_order", "02"), ("lost_system_prompt", "system", "03"))) == 2


def test_of_several_signs_the_most_telling_speaks(run: Run) -> None:
    run.agent()
    run.llm()
    assert settled(run, ("objection", "complaint", "02"), ("contradiction", "status", "02")) == [
        ("contradiction", "status")
    ]


def test_every_sign_has_a_title() -> None:
    assert set(SIGNS) - set(TITLES) <= {"trial_and_error"}
    assert set(COST) <= set(TITLES) | {"trial_and_error"}
