import pytest

from clustering.describe import describe
from clustering.detect import detect, with_policies
from clustering.rule import Rule
from clustering.title import title
from tests.unit.clustering.runs import RATE_LIMIT, Run, make_failure

FRAMES = 'Traceback:\n  File "/srv/shop/agent.py", line 41, in run_tools\n'


RULE = Rule(name="identity-before-refund", tool="refund_order", requires="verify_identity")


def titles(run: Run) -> list[str]:
    return [title(failure, describe(failure, run.trace)) for failure in detect(run.trace, with_policies([RULE]))]


def test_a_provider_error_that_ended_the_conversation(run: Run) -> None:
    run.agent(error=RATE_LIMIT)
    run.llm(error=RATE_LIMIT)
    assert titles(run) == ["RateLimitError from the model provider ends the conversation"]


def test_an_exception_of_the_harness(run: Run) -> None:
    run.agent(error=("json.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"), stacktrace=FRAMES)
    assert titles(run) == [
        "JSONDecodeError in agent.py:run_tools ends the conversation: Expecting value: line … column … (char …)"
    ]


def test_an_error_without_a_message_is_not_named_twice(run: Run) -> None:
    run.agent(error=("ValueError", ""), stacktrace=FRAMES)
    assert titles(run) == ["ValueError in agent.py:run_tools ends the conversation"]


@pytest.mark.parametrize("result", ['{"error": "unknown order A-1001"}', "Error: unknown order A-1001."])
def test_a_failing_tool(run: Run, result: str) -> None:
    run.agent()
    run.tool(result=result)
    assert titles(run) == ["get_order fails: unknown order"]


def test_a_title_does_not_end_before_what_was_taken_out(run: Run) -> None:
    run.agent()
    run.tool(result="Error: the balance is not enough for 10 EUR.")
    run.tool("pay", result="Error: what are you waiting for")
    assert titles(run) == ["get_order fails: the balance is not enough", "pay fails: what are you waiting for"]


def test_a_token_limit(run: Run) -> None:
    run.agent()
    run.llm(finish="length")
    assert titles(run) == ["The model's answer is cut off at the limit of output tokens"]


def test_a_step_limit(run: Run) -> None:
    run.agent(answer="Agent stopped due to iteration limit.")
    run.llm()
    assert titles(run) == ["The run ends at its step limit without an answer"]


def test_a_repeated_call(run: Run) -> None:
    run.agent()
    for _ in range(3):
        run.tool(arguments={"id": 7})
    assert titles(run) == ["get_order is called again and again with the same arguments"]


def test_feedback_with_words(run: Run) -> None:
    run.agent()
    run.feedback(0.0, words="You refunded A-1001 to a stranger.")
    assert titles(run) == ["Negative user feedback: You refunded … to a stranger"]


def test_feedback_without_words(run: Run) -> None:
    run.agent()
    run.tool("transfer_to_human")
    run.feedback(0.0)
    assert titles(run) == ["Negative user feedback on runs that handed over to a person"]


def test_a_broken_rule(run: Run) -> None:
    run.agent()
    run.tool("refund_order")
    assert titles(run) == [
        "Rule identity-before-refund is broken: refund_order runs although verify_identity has not succeeded before"
    ]


def test_an_empty_answer(run: Run) -> None:
    run.agent(answer="")
    run.llm(calls=[("c1", "get_order")])
    assert titles(run) == ["The model's last call asks for tools, and the run ends without an answer"]


def test_a_lost_system_prompt(run: Run) -> None:
    run.agent()
    run.llm(("system", "Be kind."), ("user", "Hello"))
    run.llm(("user", "Hello"))
    assert titles(run) == ["A later call to the model lacks the system message that earlier calls had"]


def test_swapped_tool_results(run: Run) -> None:
    run.agent()
    run.tool("get_order", result="one", call_id="c1")
    run.tool("get_order", result="two", call_id="c2")
    run.llm(("c1", "two"), ("c2", "one"))
    assert titles(run) == ["The model is told other results of get_order than the tools returned"]


def test_a_detector_of_the_users_own() -> None:
    failure = make_failure(detector="too_slow", key="checkout")
    assert title(failure, "took <duration>") == "too slow checkout: took"


def test_a_title_is_one_short_line_whatever_the_text() -> None:
    found = title(make_failure(detector="tool_error", key="get_order"), "word " * 500)
    assert len(found) <= 112
    assert "\n" not in found


@pytest.mark.parametrize("word", ["failed", "Thumbs-down", "Incorrect"])
def test_a_label_that_only_says_negative_is_no_title(run: Run, word: str) -> None:
    run.agent()
    run.tool("get_order")
    run.feedback(0.0, label=word.replace("-", "_"), words=word)
    assert titles(run) == ["Negative user feedback on runs that only looked things up"]
