import pytest

from clustering.detect import detect
from clustering.detectors.ignored_errors import IgnoredErrors
from clustering.detectors.unkept_promises import UnkeptPromises
from tests.unit.clustering.detectors.said import chat
from tests.unit.clustering.runs import Run

ASKED = ("user", "Cancel order A-1.")
PROPOSED = ("assistant", "Order A-1 will be cancelled. Shall I proceed?")


def ended(run: Run, *said: tuple[str, str], answer: str, looked: bool = True) -> list[str]:
    run.agent()
    if looked:
        run.tool("get_order")
    chat(run, ASKED, answer=PROPOSED[1])
    chat(run, ASKED, PROPOSED, *said, answer=answer)
    return [failure.key for failure in UnkeptPromises()(run.trace)]


@pytest.mark.parametrize("yes", ["Yes, please.", "Go ahead!", "I confirm."])
def test_a_yes_that_nothing_follows_is_not_kept(run: Run, yes: str) -> None:
    assert ended(run, ("user", yes), answer="Thank you, have a nice day.") == ["agreed"]


def test_a_promise_that_nothing_follows_is_not_kept(run: Run) -> None:
    run.agent()
    run.tool("get_order")
    chat(run, ASKED, answer="I'll cancel order A-1 right away.")
    assert [failure.key for failure in UnkeptPromises()(run.trace)] == ["announced"]


@pytest.mark.parametrize("reply", ["No, keep it.", "What would it cost?", "Don't proceed, it is not okay."])
def test_without_a_yes_there_is_nothing_to_keep(run: Run, reply: str) -> None:
    assert ended(run, ("user", reply), answer="All right.") == []


def test_a_promise_with_a_condition_is_none(run: Run) -> None:
    assert ended(run, ("user", "Hm."), answer="I'll cancel it once you confirm.") == []


def test_a_run_without_tools_promises_words(run: Run) -> None:
    assert ended(run, ("user", "Yes."), answer="Fine.", looked=False) == []


def test_a_deed_after_the_yes_keeps_it(run: Run) -> None:
    run.agent()
    chat(run, ASKED, answer=PROPOSED[1])
    chat(run, ASKED, PROPOSED, ("user", "Yes."), calls=[("cancel_order", "{}")])
    run.tool("cancel_order")
    chat(run, ASKED, PROPOSED, ("user", "Yes."), ("c0", "ok"), answer="It is cancelled.")
    assert list(UnkeptPromises()(run.trace)) == []


def refused(run: Run, answer: str, tool: str = "cancel_order") -> Run:
    run.agent()
    run.tool(tool, "Error: the order has left")
    chat(run, ASKED, answer=answer)
    return run


@pytest.mark.parametrize(
    "answer", ["Your order has been cancelled.", "Done. I've cancelled it.", "It was successfully cancelled."]
)
def test_success_reported_after_a_refusal_ignores_the_error(run: Run, answer: str) -> None:
    (failure,) = IgnoredErrors()(refused(run, answer).trace)
    assert (failure.key, failure.span_id) == ("cancel_order", "03")


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, the order could not be cancelled.",
        "The order has already been shipped, so I cannot cancel it.",
        "Has it been delivered?",
        "I have checked your order: the tool reports an error.",
    ],
)
def test_an_answer_that_tells_of_the_refusal_does_not(run: Run, answer: str) -> None:
    assert list(IgnoredErrors()(refused(run, answer).trace)) == []


def test_a_lookup_that_failed_is_not_a_deed(run: Run) -> None:
    assert list(IgnoredErrors()(refused(run, "Your order has been cancelled.", "get_order").trace)) == []


def test_success_after_a_second_try_is_success(run: Run) -> None:
    run.agent()
    run.tool("cancel_order", "Error: busy")
    run.tool("cancel_order", "ok")
    chat(run, ASKED, answer="Your order has been cancelled.")
    assert list(IgnoredErrors()(run.trace)) == []


def test_the_ignored_error_stands_for_the_error(run: Run) -> None:
    found = detect(refused(run, "Your order has been cancelled.").trace)
    assert [failure.detector for failure in found] == ["ignored_error"]
