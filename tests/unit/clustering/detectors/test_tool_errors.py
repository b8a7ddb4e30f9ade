import pytest

from clustering.detectors.tool_errors import ToolErrors
from tests.unit.clustering.runs import Run


def found(run: Run) -> list[tuple[str, str, str]]:
    return [(failure.key, failure.span_id, failure.message) for failure in ToolErrors()(run.trace)]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ('{"error": "unknown order A-1"}', "unknown order A-1"),
        ('{"error": {"type": "NotFound", "message": "unknown order"}}', "NotFound: unknown order"),
        ('{"status": "error", "message": "unknown order"}', "unknown order"),
        ('{"isError": true, "content": [{"type": "text", "text": "unknown order"}]}', "unknown order"),
        ('{"success": false, "reason": "too late"}', "too late"),
        ("Error: user not found", "Error: user not found"),
        ("KeyError: 'city'", "KeyError: 'city'"),
        ("An error occurred while running the tool.", "An error occurred while running the tool."),
        ("Traceback (most recent call last):\n  ...", "Traceback (most recent call last):\n  ..."),
    ],
)
def test_an_error_returned_as_a_result_is_a_failure_of_the_tool(run: Run, result: str, message: str) -> None:
    run.agent()
    run.tool(result=result)
    assert found(run) == [("get_order", "02", message)]


@pytest.mark.parametrize(
    "result",
    [
        '{"status": "failed", "order": "A-1"}',
        '{"error": null, "order": "A-1"}',
        '{"errors": [], "total": 3}',
        "Error rates fell by half in March.",
        "",
        '["error"]',
        "{" * 5000,
    ],
)
def test_an_answer_that_speaks_of_errors_is_not_one(run: Run, result: str) -> None:
    run.agent()
    run.tool(result=result)
    assert found(run) == []


def test_a_tool_that_raised_inside_a_run_that_went_on_is_a_failure(run: Run) -> None:
    run.agent()
    run.tool(error=("ToolError", "unknown order"), result=None)
    assert found(run) == [("get_order", "02", "unknown order")]


def test_an_exception_that_broke_the_harness_is_left_to_the_error_detector(run: Run) -> None:
    run.agent(error=("KeyError", "'city'"))
    run.tool(error=("KeyError", "'city'"), result=None)
    assert found(run) == []


def test_a_later_success_of_the_same_tool_makes_up_for_an_error(run: Run) -> None:
    run.agent()
    run.tool(result="Error: unknown order")
    run.llm()
    run.tool()
    assert found(run) == []


def test_a_later_success_of_another_tool_does_not(run: Run) -> None:
    run.agent()
    run.tool(result="Error: unknown order")
    run.tool("get_customer")
    assert [key for key, *_ in found(run)] == ["get_order"]


def test_an_earlier_success_does_not(run: Run) -> None:
    run.agent()
    run.tool()
    run.tool(result="Error: unknown order")
    assert [span_id for _, span_id, _ in found(run)] == ["03"]


def test_one_tool_that_fails_alike_again_and_again_is_one_failure(run: Run) -> None:
    run.agent()
    for _ in range(3):
        run.tool(result="Error: unknown order")
    assert [span_id for _, span_id, _ in found(run)] == ["04"]
