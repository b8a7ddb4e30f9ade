"""Conversations that are cut regardless of roles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixers.recipes.cuts import _DROP_OLDEST, _KEEP_RECENT
from fixers.recipes.truncation import Truncation
from tests.unit.fixers.red_green import changed_lines, declined, fix_of, fixed_sources, red_then_green

NAMES = ["support_agent", "async_class", "raw_httpx"]


def helper(text: str) -> Callable[..., Any]:
    names: dict[str, Any] = {}
    exec(text.replace("NAME", "helper"), names)
    found: Callable[..., Any] = names["helper"]
    return found


def conversation(*roles: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": str(index)} for index, role in enumerate(roles)]


@pytest.mark.parametrize("name", NAMES)
def test_the_system_prompt_stays_and_the_test_turns_green(name: str, tmp_path: Path) -> None:
    assert "- system" in red_then_green(Truncation(), name, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_one_line_is_replaced(name: str) -> None:
    assert len(changed_lines(fix_of(Truncation(), name))) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_mended_harness_is_left_alone(name: str) -> None:
    declined(Truncation(), fixed_sources(Truncation(), name))


@pytest.mark.parametrize(
    "text",
    [
        "def f(messages):\n    return [messages[0]] + messages[-5:]\n",
        "def f(messages):\n    return [*messages[:1], *messages[-5:]]\n",
        (
            'def f(messages):\n    system = [m for m in messages if m.role == "system"]\n'
            "    messages = messages[-5:]\n    return system + messages"
        ),
        "def f(messages, n=9):\n    messages = messages[-n:]\n    return [SYSTEM] + messages\n",
        "def f(messages, n=9):\n    messages = messages[-n:]\n    return [system_prompt, *messages]\n",
        "def show(messages):\n    print(messages[-5:])\n",
        "def last(messages):\n    return messages[-1:]\n",
        "def f(rows):\n    return rows[-5:]\n",
        "def f(messages):\n    first = messages.pop(0)\n    return first\n",
    ],
)
def test_cuts_that_may_be_right_are_left_alone(text: str) -> None:
    declined(Truncation(), text)


def test_a_tool_result_stays_with_its_call() -> None:
    messages = conversation("system", "user", "assistant", "tool", "tool", "user")
    kept = helper(_KEEP_RECENT)(messages, 3)
    assert [message["content"] for message in kept] == ["0", "2", "3", "4", "5"]


@pytest.mark.parametrize("limit", range(1, 8))
def test_no_limit_parts_a_pair_or_loses_the_system_prompt(limit: int) -> None:
    kept = helper(_KEEP_RECENT)(conversation("system", "user", "assistant", "tool", "assistant", "tool", "user"), limit)
    assert kept[0]["role"] == "system"
    assert kept[1]["role"] != "tool"


def test_the_last_exchange_is_never_dropped() -> None:
    messages = conversation("system", "user", "assistant", "tool")
    drop = helper(_DROP_OLDEST)
    assert (drop(messages), drop(messages)) == (True, False)
    assert [message["role"] for message in messages] == ["system", "assistant", "tool"]
