from clustering.detectors.repeated_calls import RepeatedCalls
from tests.unit.clustering.runs import Run


def found(run: Run) -> list[tuple[str, str]]:
    return [(failure.key, failure.span_id) for failure in RepeatedCalls()(run.trace)]


def test_the_same_call_three_times_is_a_failure_at_the_last(run: Run) -> None:
    run.agent()
    for _ in range(3):
        run.tool(arguments={"id": 1, "full": True})
    assert found(run) == [("get_order", "04")]


def test_the_order_of_the_arguments_does_not_matter(run: Run) -> None:
    run.agent()
    for arguments in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 2}):
        run.tool(arguments=arguments)
    assert len(found(run)) == 1


def test_two_calls_can_be_a_retry(run: Run) -> None:
    run.agent()
    run.tool(arguments={"id": 1})
    run.tool(arguments={"id": 1})
    assert found(run) == []


def test_other_arguments_or_another_tool_are_another_call(run: Run) -> None:
    run.agent()
    for number in range(3):
        run.tool(arguments={"id": number})
        run.tool(f"tool_{number}", arguments={"id": 9})
    assert found(run) == []


def test_the_harness_trying_one_call_again_is_one_call_of_the_model(run: Run) -> None:
    run.agent()
    for _ in range(3):
        run.tool(arguments={"id": 1}, call_id="call_1")
    assert found(run) == []
