from typing import Any

import pytest

from clustering.describe import describe, place_of, words_of
from clustering.detect import detect
from clustering.site import site
from tests.unit.clustering.runs import Run, make_failure

FRAMES = """Traceback (most recent call last):
  File "/srv/shop/agent.py", line 41, in run_tools
  File "/venv/lib/python3.11/site-packages/openai/_client.py", line 9, in post
"""
JAVASCRIPT = """Error: no
    at parse (/app/node_modules/zod/index.js:1:2)
    at async runTool (/app/src/agent.ts:10:5)
    at main (/app/src/main.ts:3:1)"""


def described(run: Run) -> list[str]:
    return [describe(failure, run.trace) for failure in detect(run.trace)]


def test_an_error_is_its_masked_message_and_where_it_was_raised(run: Run) -> None:
    run.agent(error=("ValueError", "order A-1001 is unknown"), stacktrace=FRAMES)
    assert described(run) == ["order <id> is unknown\nagent.py:run_tools"]


def test_a_tool_error_is_its_masked_message(run: Run) -> None:
    run.agent()
    run.tool(result='{"error": "unknown order A-1001"}')
    assert described(run) == ["unknown order <id>"]


def test_the_exception_of_a_tool_is_named_once(run: Run) -> None:
    run.agent()
    run.tool("a", error=("KeyError", "'city'"))
    run.tool("b", error=("ValueError", "ValueError: no city"))
    assert described(run) == ["KeyError: <value>", "ValueError: no city"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Error: order <id> not found\nagent.py:run", "order not found"),
        ("Order <value> not found", "order not found"),
        ("KeyError: <value>", "keyerror:"),
        ("<value>", "<value>"),
        ("Error: ", "error: "),
        ("the tag <title> is missing", "the tag <title> is missing"),
    ],
)
def test_what_only_differed_is_not_compared(text: str, words: str) -> None:
    assert words_of(text) == words


def test_an_exception_is_named_beside_one_that_its_message_names(run: Run) -> None:
    run.tool(error=("requests.ConnectionError", "caused by NewConnectionError, no route"))
    assert described(run)[0].startswith("ConnectionError: caused by NewConnectionError")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("KeyError: <value>", "ValueError: <value>"),
        ("Error: KeyError: <value>", "<value> is no key"),
        ("shop.errors.HTTPError: refused", "refused"),
    ],
)
def test_tools_that_raised_different_exceptions_are_apart(text: str, other: str) -> None:
    failure = make_failure(detector="tool_error", key="get_order")
    assert place_of(failure, text).key != place_of(failure, other).key


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("KeyError: <value>", "Error: KeyError: <value>"),
        ("HTTPError: refused", "shop.errors.HTTPError: refused"),
        ("Order <id>: not found", "Error: not found"),
        ("the KeyError: was handled", "it was handled"),
    ],
)
def test_tools_errors_are_in_one_place_whatever_else_they_say(text: str, other: str) -> None:
    failure = make_failure(detector="tool_error", key="get_order")
    assert place_of(failure, text).key == place_of(failure, other).key


def test_the_users_words_come_before_what_the_run_did(run: Run) -> None:
    run.agent()
    run.tool("refund_order")
    run.feedback(0.0, words="You refunded A-1001, not A-1002")
    assert described(run) == ["You refunded <id>, not <id>\nmade a change"]


@pytest.mark.parametrize(
    ("tool", "deed"),
    [
        ("get_order", "only looked things up"),
        ("cancel_order", "made a change"),
        ("transfer_to_human", "handed over to a person"),
        ("", "only looked things up"),
    ],
)
def test_silence_is_described_by_what_the_run_did(run: Run, tool: str, deed: str) -> None:
    run.agent()
    run.tool(tool)
    run.feedback(0.0)
    assert described(run) == [f"\n{deed}"]


@pytest.mark.parametrize(
    ("arguments", "deed"),
    [
        ({"order_id": "A-1"}, "made a change"),
        ({"order_id": "A-1", "items": ["i-1"]}, "made a change that it put together itself"),
        ({"address": {"zip": "1"}}, "made a change that it put together itself"),
        ({"note": "x" * 30_000}, "made a change that it put together itself"),
    ],
)
def test_a_change_that_the_model_put_together_is_another_deed(run: Run, arguments: dict[str, Any], deed: str) -> None:
    run.agent()
    run.tool("modify_order", arguments=arguments)
    run.feedback(0.0)
    assert described(run) == [f"\n{deed}"]


@pytest.mark.parametrize(
    ("name", "message", "said"),
    [
        ("InternalServerError", "Error code: 503 - overloaded", "The provider fails with an error of its own."),
        ("HTTPStatusError", "Server error '500 Internal Server Error'", "The provider fails with an error of its own."),
        ("ReadTimeout", "timed out", "The provider does not answer in time."),
        (
            "BadRequestError",
            "Error code: 400 - messages with role 'tool'",
            "Error code: 400 - messages with role <value>",
        ),
    ],
)
def test_a_refusal_is_its_class_however_the_client_puts_it(run: Run, name: str, message: str, said: str) -> None:
    run.agent(error=(name, message))
    run.llm(error=(name, message))
    assert described(run) == [said]


def test_case_is_not_compared(run: Run) -> None:
    run.agent(error=("ValueError", "User Not Found"))
    (text,) = described(run)
    assert text == "User Not Found"
    assert words_of(text) == "user not found"


def test_arguments_do_not_split_what_the_key_says(run: Run) -> None:
    run.agent()
    for _ in range(3):
        run.tool(arguments={"why": "the customer is not at all happy"})
    assert described(run) == ["The tool get_order is called <number> times with the same arguments."]


def test_the_structural_key_is_detector_and_key() -> None:
    assert make_failure(detector="error", key="KeyError").structural_key == "error:KeyError"


def test_a_failure_whose_span_is_not_kept_is_described_by_its_message(run: Run) -> None:
    run.agent()
    assert describe(make_failure(message="no 7", span_id="ff"), run.trace) == "no <number>"


def test_the_site_is_the_innermost_frame_of_the_users_own(run: Run) -> None:
    assert site(run.agent(error=("E", ""), stacktrace=FRAMES)) == "agent.py:run_tools"
    assert site(run.agent(error=("E", ""), stacktrace=JAVASCRIPT)) == "agent.ts:runTool"


def test_the_site_is_the_spans_own_file_where_there_is_no_stack(run: Run) -> None:
    assert site(run.add("step", {"code.file.path": "/srv/shop/agent.py", "code.line.number": 3})) == "agent.py"
    assert site(run.add("step", {})) == ""
