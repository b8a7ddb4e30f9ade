"""Tools that do not exist or that fail, in harnesses that keep their tools in three different ways."""

from pathlib import Path

import pytest

from fixers.recipes.tool_crash import ToolCrash
from fixers.recipes.unknown_tool import UnknownTool
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import failed_with
from tests.unit.fixers.tool_harnesses import HARNESSES, PLAIN


@pytest.mark.parametrize("name", HARNESSES)
def test_the_model_is_told_which_tools_there_are(name: str, tmp_path: Path) -> None:
    fix = mended(UnknownTool(), HARNESSES[name], tmp_path)
    assert "already handles" in declined(UnknownTool(), after_of(fix, HARNESSES[name]))


LOOKUP = "            result = TOOLS[call.function.name](**arguments)\n"
RIGHT = {
    "asks first": f"            if call.function.name not in TOOLS:\n                continue\n{LOOKUP}",
    "has a default": LOOKUP.replace("TOOLS[call.function.name]", "TOOLS.get(call.function.name, print)"),
    "another table": LOOKUP.replace("call.function.name", "arguments['kind']"),
    "catches it": f"            try:\n    {LOOKUP}            except KeyError:\n                result = 'unknown'\n",
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_handled_already_or_is_no_tool_is_left_alone(name: str) -> None:
    declined(UnknownTool(), PLAIN["shop_agent.py"].replace(LOOKUP, RIGHT[name]))


def test_a_key_that_no_model_called_for_is_another_flaw() -> None:
    found = UnknownTool().apply(PLAIN, DIAGNOSIS, seen=failed_with("KeyError", "'price'"))
    assert found == "the model called no tool by the name that the runs end with"


@pytest.mark.parametrize("name", HARNESSES)
def test_the_model_is_told_when_a_tool_fails(name: str, tmp_path: Path) -> None:
    fix = mended(ToolCrash(), HARNESSES[name], tmp_path)
    assert "already handles" in declined(ToolCrash(), after_of(fix, HARNESSES[name]))


@pytest.mark.parametrize("kind", ["Exception", "(ValueError, OSError)"])
def test_errors_of_tools_that_are_handled_already_are_left_alone(kind: str) -> None:
    handled = RIGHT["catches it"].replace("KeyError", kind)
    declined(ToolCrash(), PLAIN["shop_agent.py"].replace(LOOKUP, handled))


def test_an_error_that_no_tool_raised_is_another_flaw() -> None:
    found = ToolCrash().apply(PLAIN, DIAGNOSIS, seen=failed_with("RateLimitError", "429"))
    assert found == "no step that ran a tool raised what the runs end with"
