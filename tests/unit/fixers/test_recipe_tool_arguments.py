"""Tool arguments that cannot be parsed."""

from pathlib import Path

import pytest

from fixers.draft import read_sources
from fixers.recipes.recipe import Fix
from fixers.recipes.tool_arguments import ToolArguments
from tests.unit.fixers.red_green import (
    DIAGNOSIS,
    changed_lines,
    declined,
    fix_of,
    fixed_sources,
    folder,
    red_then_green,
)

NAMES = ["support_agent", "plain", "async_class", "raw_httpx"]
LOOP = """
import json
from openai import OpenAI
client = OpenAI()
def run(messages):
    while True:
        message = client.chat.completions.create(model="m", messages=messages).choices[0].message
        for call in message.tool_calls:
{body}
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_error_goes_back_to_the_model_and_the_test_turns_green(name: str, tmp_path: Path) -> None:
    assert "JSONDecodeError" in red_then_green(ToolArguments(), name, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_one_line_is_replaced(name: str) -> None:
    assert len(changed_lines(fix_of(ToolArguments(), name))) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_mended_harness_is_left_alone(name: str) -> None:
    declined(ToolArguments(), fixed_sources(ToolArguments(), name))


@pytest.mark.parametrize(
    "body",
    [
        """
            try:
                args = json.loads(call.function.arguments)
            except json.JSONDecodeError:
                args = {}
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(args)})
""",
        """
            args = json.loads(call.function.arguments)
            results.append(run_tool(args))
""",
        """
            args = json.loads(call.function.arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(args)})
            n_done += 1
""",
        """
            args = json.loads(call.function.arguments)
            id_ = call.id
            messages.append({"role": "tool", "tool_call_id": id_, "content": str(args)})
""",
    ],
    ids=["guarded", "no tool message", "more work after the result", "name known too late"],
)
def test_it_declines_what_it_does_not_understand(body: str) -> None:
    declined(ToolArguments(), LOOP.format(body=body))


def test_other_json_is_not_touched() -> None:
    assert "nothing parses" in declined(ToolArguments(), "import json\ndef f(body):\n    return json.loads(body)\n")


def test_line_endings_and_untouched_lines_are_kept() -> None:
    sources = {path: text.replace("\n", "\r\n") for path, text in read_sources(folder("plain")).items()}
    fix = ToolArguments().apply(sources, DIAGNOSIS)
    assert isinstance(fix, Fix)
    after = fix.edits[0].after or ""
    assert after.count("\n") == after.count("\r\n")
    assert "# the model picks the arguments\r\n" in after


def test_names_that_are_taken_are_not_taken_again() -> None:
    sources = read_sources(folder("plain"))
    sources["agent.py"] += "\n\ndef _parse_tool_arguments(error, arguments):\n    return error\n"
    fix = ToolArguments().apply(sources, DIAGNOSIS)
    assert isinstance(fix, Fix)
    after = fix.edits[0].after or ""
    assert "arguments_2 = _parse_tool_arguments_2(tool_call.function.arguments)" in after
    assert "except ValueError as error_2:" in after
