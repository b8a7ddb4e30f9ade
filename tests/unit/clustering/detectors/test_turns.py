"""What a person asks for again may be looked up again."""

import pytest

from clustering.detect import Detector
from clustering.detectors.loops import Loops
from clustering.detectors.repeated_calls import RepeatedCalls
from clustering.detectors.repeated_reads import RepeatedReads
from clustering.turns import turn_numbers
from tests.unit.clustering.detectors.said import chat
from tests.unit.clustering.runs import Run

CALL, ARGUMENTS = [("get_claim", '{"id": "C-1"}')], {"id": "C-1"}
OTHER, OTHERS = [("get_rate", '{"of": "USD"}')], {"of": "USD"}
REPEATING = (RepeatedCalls(), RepeatedReads(), Loops())


def looks(run: Run, history: list[tuple[str, str]], n: int) -> None:
    """Let the model look the same two things up `n` times in one turn."""
    for _ in range(n):
        for calls, arguments in ((CALL, ARGUMENTS), (OTHER, OTHERS)):
            chat(run, *history, calls=calls)
            run.tool(calls[0][0], "open", arguments=arguments)
            history += [("assistant", ""), ("tool", "open")]


@pytest.mark.parametrize("detector", REPEATING)
def test_the_same_look_in_each_turn_is_no_circle(run: Run, detector: Detector) -> None:
    run.agent()
    history: list[tuple[str, str]] = []
    for question in ("How is C-1?", "And now?", "And now?"):
        history.append(("user", question))
        looks(run, history, 1)
        chat(run, *history, answer="It is open.")
        history.append(("assistant", "It is open."))
    assert list(detector(run.trace)) == []
    assert sorted(turn_numbers(run.trace).values()) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("detector", REPEATING)
def test_the_same_looks_in_one_turn_are_a_circle(run: Run, detector: Detector) -> None:
    run.agent()
    looks(run, [("user", "How is C-1?")], 3)
    assert [failure.detector for failure in detector(run.trace)][:1] == [detector.name]


@pytest.mark.parametrize(
    ("tool", "first", "then", "n"),
    [
        ("search_flights", "Which flights go to Oslo?", "I need one that is below 200 dollars.", 1),
        ("search_flights", "Which flights go to Oslo?", "Which flights go to Oslo, please?", 0),
        ("get_flight", "Which flights go to Oslo?", "I need one that is below 200 dollars.", 0),
        ("research_topic", "Which flights go to Oslo?", "I need one that is below 200 dollars.", 0),
    ],
)
def test_the_same_search_for_another_wish_makes_no_progress(run: Run, tool: str, first: str, then: str, n: int) -> None:
    run.agent()
    history: list[tuple[str, str]] = []
    for question in (first, then):
        history.append(("user", question))
        chat(run, *history, calls=[(tool, '{"to": "OSL"}')])
        run.tool(tool, "SK 1", arguments={"to": "OSL"})
        chat(run, *history, answer="SK 1.")
        history.append(("assistant", "SK 1."))
    assert [failure.key for failure in RepeatedReads()(run.trace)] == [tool] * n


def test_a_search_after_a_change_is_not_needless(run: Run) -> None:
    run.agent()
    history: list[tuple[str, str]] = []
    for question in ("Which flights go to Oslo?", "Book it, and is there another one?"):
        history.append(("user", question))
        chat(run, *history, calls=[("search_flights", '{"to": "OSL"}')])
        run.tool("search_flights", "SK 1", arguments={"to": "OSL"})
        run.tool("book_flight", "booked", arguments={"id": "SK 1"})
    assert list(RepeatedReads()(run.trace)) == []


def test_a_request_that_is_sent_again_begins_no_turn(run: Run) -> None:
    run.agent()
    run.llm(("user", "How is C-1?"), error=("RateLimitError", "429"))
    chat(run, ("user", "How is C-1?"), calls=CALL)
    run.tool(CALL[0][0], "open", arguments=ARGUMENTS)
    assert list(turn_numbers(run.trace).values()) == [0]


def test_where_tools_are_called_in_plain_words_all_is_one_turn(run: Run) -> None:
    run.agent()
    for seen in ("How is C-1?", "Observation: open", "Observation: open"):
        chat(run, ("user", seen), answer="Action: get_claim C-1")
        run.tool(CALL[0][0], "open", arguments=ARGUMENTS)
    assert set(turn_numbers(run.trace).values()) == {0}
