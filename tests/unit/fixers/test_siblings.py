"""The same flaw in many places is one pull request, whose test is in the repository's own style."""

from pathlib import Path

from fixers.harness import Harness
from fixers.recipes.model_settings import TEMPERATURE
from fixers.recipes.recipe import NOTHING, Fix
from fixers.recipes.siblings import with_siblings
from fixers.recipes.tool_arguments import ToolArguments
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS

ADAPTER = """
import json
from openai import OpenAI

client = OpenAI()

def answer(messages):
    while True:
        message = client.chat.completions.create(model="m", messages=messages).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            result = str(sorted(arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
"""
EIGHT = {f"adapters/adapter_{i}.py": ADAPTER for i in range(8)}
UNITTEST = (
    "import unittest\n\nclass AdapterTest(unittest.TestCase):\n    def test_it(self):\n        self.assertTrue(True)\n"
)


def whole(sources: dict[str, str], *allow: str) -> Fix:
    first = ToolArguments().apply(sources, DIAGNOSIS)
    assert isinstance(first, Fix)
    harness = Harness(name="agent", allow=allow) if allow else Harness(name="agent")
    return with_siblings(first, ToolArguments(), sources, diagnosis=DIAGNOSIS, seen=NOTHING, harness=harness)


def test_the_same_flaw_in_eight_adapters_is_one_fix_with_one_test() -> None:
    fix = whole(EIGHT)
    assert {edit.path for edit in fix.edits if edit.before is not None} == set(EIGHT)
    assert [edit.path for edit in fix.edits if edit.before is None] == [fix.regression_test]
    assert isinstance(ToolArguments().apply(after_of(fix, EIGHT), DIAGNOSIS), str)
    assert "adapters/adapter_7.py" in fix.rationale


def test_two_places_of_one_file_share_a_helper() -> None:
    twice = {"adapter.py": ADAPTER + ADAPTER.partition("client = OpenAI()\n")[2].replace("def answer", "def reply")}
    after = after_of(whole(twice), twice)["adapter.py"]
    assert after.count("def _parse_tool_arguments") == 1
    assert after.count("= _parse_tool_arguments(") == 2


def test_a_repository_of_test_cases_gets_a_test_case(tmp_path: Path) -> None:
    sources = {"adapter.py": ADAPTER, "tests/__init__.py": "", "tests/test_adapter.py": UNITTEST}
    fix = mended(ToolArguments(), sources, tmp_path)
    assert "class MalformedToolArgumentsTest(unittest.TestCase):" in (fix.edits[-1].after or "")


def test_a_recipe_for_a_single_place_has_no_siblings() -> None:
    sources = {"a.py": "from openai import OpenAI\n\nclass Settings:\n    temperature = 1.4\n"}
    fix = TEMPERATURE.apply(sources, DIAGNOSIS)
    assert isinstance(fix, Fix)
    same = with_siblings(fix, TEMPERATURE, sources, diagnosis=DIAGNOSIS, seen=NOTHING, harness=Harness(name="agent"))
    assert same is fix
