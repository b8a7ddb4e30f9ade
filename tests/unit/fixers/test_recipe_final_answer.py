"""Loops that reach their limit without an answer."""

from pathlib import Path

import pytest

from fixers.recipes.final_answer import FinalAnswer
from fixers.recipes.parallel_results import ParallelResults
from tests.unit.fixers.red_green import changed_lines, declined, fix_of, fixed_sources, red_then_green

NAMES = ["support_agent", "plain", "async_class", "raw_httpx"]
LOOP = """
from openai import OpenAI
client = OpenAI()
def run(messages, tools):
    {loop}:
        message = client.chat.completions.create(model="m", messages=messages, tools=tools).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
    {after}
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_kept_and_the_test_turns_green(name: str, tmp_path: Path) -> None:
    red = red_then_green(FinalAnswer(), name, tmp_path)
    assert "found it" in red or "StepLimit" in red


@pytest.mark.parametrize("name", NAMES)
def test_the_loop_itself_is_not_changed(name: str) -> None:
    assert len(changed_lines(fix_of(FinalAnswer(), name))) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_mended_harness_is_left_alone(name: str) -> None:
    declined(FinalAnswer(), fixed_sources(FinalAnswer(), name))


@pytest.mark.parametrize(
    ("loop", "after"),
    [
        ("for _ in range(3)", "return summarise(messages)"),
        ("for _ in range(3)", "log()\n    return ''"),
        ("while True", "return ''"),
        ("for message in messages", "return ''"),
    ],
)
def test_it_declines_what_it_does_not_understand(loop: str, after: str) -> None:
    declined(FinalAnswer(), LOOP.format(loop=loop, after=after))


def test_results_are_kept_by_the_id_of_their_call(tmp_path: Path) -> None:
    assert "assert " in red_then_green(ParallelResults(), "support_agent", tmp_path)
