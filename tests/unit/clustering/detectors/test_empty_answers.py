import pytest

from clustering.detectors.empty_answers import EmptyAnswers
from tests.unit.clustering.runs import Run


def found(run: Run) -> list[tuple[str, str]]:
    return [(failure.key, failure.span_id) for failure in EmptyAnswers()(run.trace)]


@pytest.mark.parametrize("answer", ["", "  \n", "null", '""', '{"answer": ""}', '{"output": null}', None])
def test_a_run_that_asked_the_model_and_answered_nothing_is_a_failure(run: Run, answer: str | None) -> None:
    run.agent(answer=answer)
    run.llm()
    assert found(run) == [("empty", "01")]


@pytest.mark.parametrize("answer", ["Done.", "0", '{"answer": "Done."}', "{not json", "[1]"])
def test_an_answer_is_an_answer(run: Run, answer: str | None) -> None:
    run.agent(answer=answer)
    run.llm()
    assert found(run) == []


def test_a_run_that_failed_or_has_not_ended_is_not_called_silent(run: Run) -> None:
    run.agent(answer="", error=("ValueError", "no"))
    run.llm()
    assert found(run) == []


def test_a_root_whose_outputs_are_not_recorded_cannot_be_judged(run: Run) -> None:
    run.add("POST /chat", {}, parent=None)
    run.llm()
    assert found(run) == []


def test_a_run_that_never_asked_the_model_is_no_agents_silence(run: Run) -> None:
    run.agent(answer="")
    assert found(run) == []


def test_the_reason_tells_when_the_model_still_wanted_tools(run: Run) -> None:
    run.agent(answer="")
    run.llm(finish="tool_calls", calls=[("call_1", "get_order")])
    (failure,) = EmptyAnswers()(run.trace)
    assert failure.reason == "The model's last call asks for tools, and the run ends without an answer."
