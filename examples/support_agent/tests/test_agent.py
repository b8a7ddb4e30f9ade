import json

from conftest import StubClient, calls, says
from support_agent.agent import SupportAgent
from support_agent.tools import Toolbox


def converse(client: StubClient, toolbox: Toolbox, *turns: str) -> str:
    agent = SupportAgent(client, toolbox)  # type: ignore[arg-type]  # all that the agent uses of it
    return agent.converse(turns, session_id="s", user_id="c-001").answer


def test_the_model_s_text_is_the_answer(toolbox: Toolbox) -> None:
    assert converse(StubClient(says("Hello!")), toolbox, "Hi") == "Hello!"


def test_the_system_prompt_and_the_tools_are_sent(toolbox: Toolbox) -> None:
    client = StubClient(says("Hello!"))
    converse(client, toolbox, "Hi")
    assert client.requests[0]["messages"][0]["role"] == "system"
    assert len(client.requests[0]["tools"]) == 7


def test_a_tool_s_result_goes_back_to_the_model(toolbox: Toolbox) -> None:
    client = StubClient(calls(("get_order", {"order_id": "A-1000"})), says("It was shipped."))
    assert converse(client, toolbox, "Where is A-1000?") == "It was shipped."
    message = client.requests[1]["messages"][-1]
    assert message["tool_call_id"] == "call_0"
    assert json.loads(message["content"])["order_id"] == "A-1000"


def test_two_tools_may_be_called_at_once(toolbox: Toolbox) -> None:
    both = calls(("get_order", {"order_id": "A-1000"}), ("track_shipment", {"order_id": "A-1000"}))
    client = StubClient(both, says("Done."))
    converse(client, toolbox, "What is in A-1000 and where is it?")
    order, parcel = client.requests[1]["messages"][-2:]
    assert "total" in json.loads(order["content"])
    assert "tracking_number" in json.loads(parcel["content"])


def test_a_refusal_is_told_to_the_model(toolbox: Toolbox) -> None:
    client = StubClient(calls(("get_order", {"order_id": "A-9999"})), says("There is no such order."))
    converse(client, toolbox, "Where is A-9999?")
    assert json.loads(client.requests[1]["messages"][-1]["content"]) == {"error": "no order A-9999"}


def test_an_unknown_tool_is_a_refusal(toolbox: Toolbox) -> None:
    client = StubClient(calls(("open_safe", {})), says("I cannot do that."))
    assert converse(client, toolbox, "Open the safe") == "I cannot do that."


def test_later_turns_see_the_earlier_ones(toolbox: Toolbox) -> None:
    client = StubClient(says("Hello!"), says("As I said."))
    assert converse(client, toolbox, "Hi", "What did you say?") == "As I said."
    assert [message["role"] for message in client.requests[1]["messages"]] == ["system", "user", "assistant", "user"]
