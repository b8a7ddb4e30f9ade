import pytest

from clustering.detectors.tool_result_mismatches import ToolResultMismatches
from tests.unit.clustering.runs import Run

ORDER = '{"id": "A-1", "status": "shipped", "total": 10}'
OTHER = '{"id": "A-2", "status": "delivered", "total": 12}'


def found(run: Run) -> list[tuple[str, str]]:
    return [(failure.key, failure.span_id) for failure in ToolResultMismatches()(run.trace)]


def two_orders(run: Run) -> None:
    run.agent()
    run.tool(result=ORDER, call_id="c1")
    run.tool(result=OTHER, call_id="c2")


def test_results_attached_to_the_wrong_call_are_one_failure(run: Run) -> None:
    two_orders(run)
    run.llm(("c1", OTHER), ("c2", ORDER))
    run.llm(("c1", OTHER), ("c2", ORDER), ("user", "And?"))
    assert found(run) == [("get_order", "04")]


def test_one_result_given_to_two_calls_is_a_failure(run: Run) -> None:
    two_orders(run)
    run.llm(("c1", OTHER), ("c2", OTHER))
    assert found(run) == [("get_order", "04")]


def test_results_at_their_own_calls_are_healthy(run: Run) -> None:
    two_orders(run)
    run.llm(("c2", OTHER), ("c1", ORDER))
    assert found(run) == []


def test_the_key_names_every_tool_concerned(run: Run) -> None:
    run.agent()
    run.tool("get_order", result=ORDER, call_id="c1")
    run.tool("get_customer", result='{"name": "Maya"}', call_id="c2")
    run.llm(("c1", '{"name": "Maya"}'), ("c2", ORDER))
    assert found(run) == [("get_customer, get_order", "04")]


def test_a_result_that_never_reaches_the_model_is_a_failure(run: Run) -> None:
    run.agent()
    run.tool(result=ORDER, call_id="c1")
    run.add(
        "ChatCompletion",
        {
            "openinference.span.kind": "LLM",
            "llm.input_messages.0.message.role": "assistant",
            "llm.input_messages.0.message.tool_calls.0.tool_call.id": "c1",
            "llm.input_messages.0.message.tool_calls.0.tool_call.function.name": "get_order",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.content": "And?",
        },
    )
    assert found(run) == [("get_order", "03")]


@pytest.mark.parametrize(
    "told",
    ['{"total":10,"status":"shipped","id":"A-1"}', f"Result: {ORDER}", ORDER[:20], "id A-1, status shipped, total 10"],
)
def test_a_result_that_was_reformatted_or_shortened_is_still_the_same(run: Run, told: str) -> None:
    two_orders(run)
    run.llm(("c1", told))
    assert found(run) == []


def test_an_emptied_result_differs(run: Run) -> None:
    two_orders(run)
    run.llm(("c1", ""))
    assert found(run) == [("get_order", "04")]


def test_a_call_whose_tool_has_no_span_is_not_judged(run: Run) -> None:
    run.agent()
    run.llm(("c9", ORDER))
    assert found(run) == []
