from clustering.detectors.lost_system_prompts import LostSystemPrompts
from tests.unit.clustering.runs import Run

SYSTEM = ("system", "Be kind.")
HELLO = ("user", "Where is my order?")


def found(run: Run) -> list[str]:
    return [failure.span_id for failure in LostSystemPrompts()(run.trace)]


def test_a_later_call_without_the_system_message_is_a_failure_once(run: Run) -> None:
    run.agent()
    run.llm(SYSTEM, HELLO)
    run.llm(HELLO, ("assistant", "One moment"))
    run.llm(HELLO)
    assert found(run) == ["03"]


def test_a_conversation_that_keeps_it_is_healthy(run: Run) -> None:
    run.agent()
    run.llm(SYSTEM, HELLO)
    run.llm(SYSTEM, HELLO, ("assistant", "One moment"))
    assert found(run) == []


def test_a_conversation_that_never_had_one_lost_nothing(run: Run) -> None:
    run.agent()
    run.llm(HELLO)
    run.llm(HELLO)
    assert found(run) == []


def test_a_call_of_its_own_may_go_without(run: Run) -> None:
    run.agent()
    run.llm(SYSTEM, HELLO)
    run.llm(("user", "Write a title for this chat"))
    assert found(run) == []


def test_a_tail_that_holds_only_tool_messages_still_belongs_to_the_conversation(run: Run) -> None:
    run.agent()
    run.llm(SYSTEM, HELLO, ("call_1", "{}"))
    run.llm(("call_1", "{}"))
    assert found(run) == ["03"]
