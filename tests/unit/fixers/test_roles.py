"""Functions that do a job in a harness, whoever wrote it."""

from collections.abc import Collection, Mapping

import pytest

from fixers.code_index import CodeIndex, Place
from fixers.data_flow import Symptom
from fixers.roles import Run, adapters, doing

TO_MESSAGE = '''
def to_message(call, result):
    """Tell of tool_calls and arguments."""
    return {"role": "tool", "tool_call_id": call.id, "content": result}
'''
PARSE = """
def parse_answer(choice):
    # one ToolCall for each
    return [ToolCall(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls]
"""
LOOP = """
class Agent:
    def helper(self):
        return self.max_turns

    def go(self):
        turn = 0
        while turn < self.max_turns:
            turn += 1
"""
HISTORY = """
def recent(messages, limit):
    return messages[-limit:]
"""
SCHEMA = """
def parameters_of(function):
    names = signature(function).parameters
    return {"type": "object", "properties": names, "required": [n for n in names if n.default is empty]}
"""
TREE = {"a/to.py": TO_MESSAGE, "a/parse.py": PARSE, "a/loop.py": LOOP, "a/history.py": HISTORY, "a/schema.py": SCHEMA}


def index(files: Mapping[str, str] = TREE) -> CodeIndex:
    return CodeIndex.over({path: text.encode() for path, text in files.items()})


def found(
    symptom: Symptom, files: Mapping[str, str] = TREE, *, provider: str = "", reached: Collection[str] = ()
) -> list[Place]:
    return doing(symptom, index(files), Run(provider, reached))


@pytest.mark.parametrize(
    ("symptom", "place"),
    [
        (Symptom.RESULT_LOST, Place("a/to.py", 4)),
        (Symptom.CALL_DROPPED, Place("a/parse.py", 4)),
        (Symptom.CUT_SHORT, Place("a/loop.py", 8)),
        (Symptom.MESSAGE_LOST, Place("a/history.py", 3)),
        (Symptom.LOOSE_SCHEMA, Place("a/schema.py", 4)),
    ],
)
def test_the_fields_of_the_wire_lead_to_what_reads_and_writes_them(symptom: Symptom, place: Place) -> None:
    assert found(symptom)[0] == place


def test_what_only_tells_of_a_job_does_not_do_it() -> None:
    assert "a/to.py" not in {place.path for place in found(Symptom.CALL_DROPPED)}


def test_the_adapter_of_the_provider_comes_before_others_and_before_what_watches() -> None:
    files = {f"models/{name}.py": TO_MESSAGE for name in ("anthropic", "openai", "plain")} | {
        "tracing/x.py": TO_MESSAGE
    }
    paths = [place.path for place in found(Symptom.RESULT_LOST, files, provider="openai")]
    assert paths == ["models/openai.py", "models/plain.py", "models/anthropic.py", "tracing/x.py"]
    assert [place.path for place in adapters(index(files), Run("openai", ()))] == ["models/openai.py"]


def test_what_the_run_passed_through_comes_first_then_what_that_imports() -> None:
    files = {
        "libs/one/src/one/agent.py": "from two.far import x\nfrom .near import y\n" + TO_MESSAGE,
        "libs/one/src/one/near.py": TO_MESSAGE,
        "libs/two/src/two/far.py": TO_MESSAGE,
        "libs/one/src/one/aside.py": TO_MESSAGE,
    }
    paths = [place.path for place in found(Symptom.RESULT_LOST, files, reached={"libs/one/src/one/agent.py"})]
    assert paths[0] == "libs/one/src/one/agent.py"
    assert set(paths[1:3]) == {"libs/one/src/one/near.py", "libs/two/src/two/far.py"}


def test_tests_are_no_candidates() -> None:
    assert found(Symptom.RESULT_LOST, {"tests/to.py": TO_MESSAGE}) == []
