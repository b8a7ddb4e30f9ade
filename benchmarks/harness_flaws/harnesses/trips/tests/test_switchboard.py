from types import SimpleNamespace

import pytest
from openai.types.chat import ChatCompletion

from switchboard import Agent, ErrorsAsResults, GuardTripped, Memory, Runner, Settings, ToolError, tool
from switchboard.guard import CARD_NUMBERS
from switchboard.middleware import Whitespace, chain
from switchboard.runner import TurnsExceeded


class Client:
    def __init__(self, *messages):
        self.messages, self.requests = list(messages), []
        self.chat = SimpleNamespace(completions=self)

    def create(self, **request):
        self.requests.append(request)
        message = {"role": "assistant", "content": None, **self.messages.pop(0)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        fields = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        return ChatCompletion.model_validate(fields)


def calling(name, arguments):
    return {"tool_calls": [{"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}]}


@tool
def double(number: int):
    """Double a number.

    number: What to double.
    """
    return number * 2


def test_a_schema_is_read_from_the_function():
    parameters = double.schema["function"]["parameters"]
    assert parameters["properties"]["number"] == {"type": "integer", "description": "What to double."}
    assert parameters["required"] == ["number"]


def test_a_tool_is_run_and_the_model_is_told():
    client = Client(calling("double", '{"number": 4}'), {"content": "8"})
    agent = Agent("a", "Count.", [double], [ErrorsAsResults()])
    assert Runner(agent, client).run(["Double 4"], session_id="s", user_id="u")[0] == "8"
    assert client.requests[1]["messages"][-1]["content"] == "8"


def test_middleware_runs_from_first_to_last():
    seen = []

    def note(name):
        return lambda tool, arguments, proceed: (seen.append(name), proceed(tool, arguments))[1]

    assert chain([note("a"), note("b")], lambda tool, arguments: "done")(double, {}) == "done"
    assert seen == ["a", "b"]


def test_blanks_are_taken_off():
    assert Whitespace()(double, {"x": " y "}, lambda tool, arguments: arguments) == {"x": "y"}


def test_a_memory_tells_what_it_knows():
    memory = Memory()
    assert memory.told() == ""
    memory.remember("home", "Chur")
    assert "home: Chur" in memory.told()
    memory.facts.clear()


def test_a_card_number_does_not_leave():
    with pytest.raises(GuardTripped):
        CARD_NUMBERS.check("Your card 4111 1111 1111 1111 was charged.")


def test_a_model_that_never_answers_is_stopped():
    client = Client(*[calling("double", '{"number": 1}')] * 2)
    agent = Agent("a", "Count.", [double], [ErrorsAsResults()], settings=Settings(max_turns=2))
    with pytest.raises(TurnsExceeded):
        Runner(agent, client).run(["?"], session_id="s", user_id="u")


def test_a_tool_error_does_not_end_the_run():
    def fail(tool, arguments):
        raise ToolError("closed")

    assert ErrorsAsResults()(double, {}, fail)
