from decimal import Decimal
from types import SimpleNamespace

import pytest

from desk import loop
from desk.history import shorten
from desk.ledger import Ledger
from desk.tools import SCHEMAS, Toolbox, ToolFailed


class Model:
    """Answers each request with the next message."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.requests = []
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))

    def create(self, **request):
        self.requests.append(request)
        return SimpleNamespace(choices=[SimpleNamespace(message=self.messages.pop(0))])


class Message:
    def __init__(self, content=None, calls=()):
        self.content = content
        self.tool_calls = [
            SimpleNamespace(id=f"c{n}", function=SimpleNamespace(name=name, arguments=arguments))
            for n, (name, arguments) in enumerate(calls)
        ]

    def model_dump(self, **_):
        calls = [{"id": call.id, "type": "function", "function": vars(call.function)} for call in self.tool_calls]
        return {"role": "assistant", "tool_calls": calls}


@pytest.fixture
def toolbox():
    return Toolbox(Ledger())


def test_a_claim_is_looked_up(toolbox):
    assert toolbox.run("get_claim", {"claim_id": "C-1004"})["status"] == "approved"


def test_an_unknown_claim_is_refused(toolbox):
    with pytest.raises(ToolFailed, match="C-9999"):
        toolbox.run("get_claim", {"claim_id": "C-9999"})


def test_a_claim_without_a_receipt_is_noticed(toolbox):
    with pytest.raises(ToolFailed, match="no receipt"):
        toolbox.run("check_receipt", {"claim_id": "C-1002"})


def test_an_approved_claim_stays_approved(toolbox):
    toolbox.run("approve_claim", {"claim_id": "C-1001"})
    assert toolbox.ledger.get("C-1001").status == "approved"


def test_whole_euros_stay_what_they_are(toolbox):
    assert Decimal(toolbox.run("convert", {"amount": "84", "currency": "EUR", "into": "EUR"})["amount"]) == 84


def test_every_schema_has_a_tool(toolbox):
    assert all(hasattr(toolbox, f"do_{schema['function']['name']}") for schema in SCHEMAS)


def test_a_short_conversation_is_sent_whole():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert shorten(messages) == messages


def test_a_tool_is_run_and_its_result_is_sent(toolbox):
    model = Model(Message(calls=[("get_claim", '{"claim_id": "C-1001"}')]), Message("84.00 EUR"))
    answer, _ = loop.converse(model, toolbox, ["How much is C-1001?"], "s", "u")
    assert answer == "84.00 EUR"
    assert '"84.00"' in model.requests[1]["messages"][-1]["content"]


def test_the_prompt_speaks_of_the_desk():
    assert "Desk 7" in loop.PROMPT.read_text(encoding="utf-8")
