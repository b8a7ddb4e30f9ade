import pytest

from clustering.detectors.contradictions import Contradictions
from clustering.detectors.needless_handovers import NeedlessHandovers
from clustering.detectors.objections import Objections
from clustering.detectors.truncated_answers import TruncatedAnswers
from clustering.detectors.unbacked_claims import UnbackedClaims
from tests.unit.clustering.detectors.said import chat
from tests.unit.clustering.runs import Run


def objections(run: Run, reply: str, before: str = "Where is my order A-1?") -> list[tuple[str, str]]:
    run.agent()
    chat(run, ("user", before), answer="It is here.")
    chat(run, ("user", before), ("assistant", "It is here."), ("user", reply), answer="Sorry.")
    return [(failure.key, failure.span_id) for failure in Objections()(run.trace)]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("No, that's not what I asked.", "correction"),
        ("That\u2019s wrong, it is the blue one.", "correction"),
        ("I already told you my order number.", "correction"),
        ("You misunderstood me.", "correction"),
        ("You keep asking the same thing!", "complaint"),
        ("What a waste of time.", "complaint"),
        ("So where is my order A-1?", "rephrasing"),
    ],
)
def test_a_reply_that_objects_is_a_failure_where_it_arrives(run: Run, reply: str, kind: str) -> None:
    assert objections(run, reply) == [(kind, "03")]


@pytest.mark.parametrize(
    "reply",
    [
        "Thanks, that's right.",
        "I ordered it by mistake, can you cancel it?",
        "I'm really frustrated about my delayed flight.",
        "Yes, please transfer me to a human agent.",
        "The item is the wrong size, I want to return it.",
        "yes",
        "\u202eThat is \x00 all",
    ],
)
def test_a_reply_about_something_else_is_none(run: Run, reply: str) -> None:
    assert objections(run, reply) == []


def test_whoever_has_to_ask_twice_for_a_person_is_heard(run: Run) -> None:
    run.agent()
    first, second = ("user", "Let me talk to a human."), ("user", "I said I want to speak to a manager!")
    chat(run, first, answer="I can help you.")
    chat(run, first, second, answer="I can help you.")
    assert [failure.key for failure in Objections()(run.trace)] == ["escalation"]


def test_the_first_word_of_a_conversation_objects_to_nothing(run: Run) -> None:
    run.agent()
    chat(run, ("user", "That's wrong, you charged me twice!"), answer="Let me look.")
    assert list(Objections()(run.trace)) == []


def claims(run: Run, answer: str, *tools: tuple[str, str]) -> list[str]:
    run.agent()
    for name, result in tools or [("get_order", '{"id": "A-1"}')]:
        run.tool(name, result)
    chat(run, ("user", "Cancel A-1."), answer=answer)
    return [failure.key for failure in UnbackedClaims()(run.trace)]


@pytest.mark.parametrize("answer", ["I have now cancelled your order.", "Your order was successfully cancelled."])
def test_a_deed_that_no_tool_did_is_a_false_claim(run: Run, answer: str) -> None:
    assert claims(run, answer) == ["cancelled"]


@pytest.mark.parametrize(
    "answer",
    [
        "Your order has been cancelled.",
        "Once I have cancelled it, you get an email.",
        "I have not cancelled it.",
        "I can cancel it for you.",
        "Have I cancelled it?",
    ],
)
def test_a_report_a_condition_or_an_offer_is_no_claim(run: Run, answer: str) -> None:
    assert claims(run, answer) == []


def test_a_claim_is_backed_by_a_change_or_by_what_a_tool_said(run: Run) -> None:
    assert claims(run, "I have cancelled it.", ("cancel_order", '{"ok": true}')) == []
    assert claims(run, "I have cancelled it.", ("get_order", '{"status": "cancelled"}')) == []


def test_without_tools_nobody_can_tell(run: Run) -> None:
    run.agent()
    chat(run, answer="I have sent it.")
    assert list(UnbackedClaims()(run.trace)) == []


def contradictions(run: Run, answer: str) -> list[str]:
    run.agent()
    run.tool(
        result='{"orders": [{"order_id": "#W123", "status": "pending"}, {"order_id": "#W456", "status": "delivered"}]}'
    )
    chat(run, ("user", "And?"), answer=answer)
    return [failure.message for failure in Contradictions()(run.trace)]


def test_another_status_than_the_tools_is_a_contradiction(run: Run) -> None:
    assert contradictions(run, "Good news! Order #W123 is delivered.") == ["Order #W123 is delivered."]


@pytest.mark.parametrize(
    "answer",
    [
        "Order #W123 is pending.",
        "Order #W123 is pending and #W456 is delivered.",
        "If #W123 is delivered, you can return it.",
        "Order #W999 is delivered.",
        "It is delivered.",
    ],
)
def test_what_agrees_or_is_hedged_or_unknown_contradicts_nothing(run: Run, answer: str) -> None:
    assert contradictions(run, answer) == []


def handed_over(run: Run, *tools: str, said: str = "Change A-1.") -> list[str]:
    run.agent()
    chat(run, ("user", said))
    for name in tools:
        run.tool(name)
    return [failure.key for failure in NeedlessHandovers()(run.trace)]


def test_a_hand_over_half_way_and_unasked_is_needless(run: Run) -> None:
    assert handed_over(run, "update_order", "transfer_to_human_agents") == ["transfer_to_human_agents"]


def test_a_hand_over_at_once_or_on_demand_is_not(run: Run) -> None:
    assert handed_over(run, "get_order", "transfer_to_human_agents") == []
    assert handed_over(Run(), "update_order", "transfer_money") == []
    assert handed_over(Run(), "update_order", "transfer_to_human", said="Let me talk to a human.") == []


def test_an_answer_that_took_every_token_or_leaves_code_open_breaks_off(run: Run) -> None:
    run.agent()
    chat(run, answer="So", **{"gen_ai.request.max_tokens": 64, "gen_ai.usage.output_tokens": 64})
    assert [failure.key for failure in TruncatedAnswers()(run.trace)] == ["tokens"]
    chat(run, answer="```python\nprint(")
    assert [failure.key for failure in TruncatedAnswers()(run.trace)] == ["code"]
    chat(run, answer="```\nx\n```", **{"gen_ai.request.max_tokens": 64, "gen_ai.usage.output_tokens": 9})
    assert list(TruncatedAnswers()(run.trace)) == []
