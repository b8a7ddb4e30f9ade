"""Each shape of a bad edit, beside the good edit that looks like it."""

import pytest

from fixers.lint import Kind, lint
from fixers.proposal import Edit

FAILING = ("order A-4711 of ada@example.com, 19.99 EUR, 30 s", "order A-4712, 30 s", "order A-4713, 30 s, limit 86400")
FILES = {
    "agent.py": b"import httpx\nLIMIT = 1\n",
    "prompts/rules.md": b"Be kind.\n",
    "shop/db.py": b"def find(): ...\n",
}


def kinds(path: str, after: str, before: str | None = "") -> list[Kind]:
    edit = Edit(path=path, before=before, after=(before or "") + after)
    return [finding.kind for finding in lint([edit], files=FILES, failing=FAILING)]


@pytest.mark.parametrize("value", ["A-4711", "ada@example.com", "19.99", "86400"])
def test_a_value_of_one_failing_run_is_found_wherever_it_was_put(value: str) -> None:
    assert kinds("agent.py", f'SPECIAL = "{value}"\n') == [Kind.COPIED_VALUE]
    assert kinds("tests/test_it.py", f'def test_it():\n    assert "{value}"\n', None) == [Kind.COPIED_VALUE]


def test_invented_values_and_values_of_the_repository_are_fine() -> None:
    assert kinds("agent.py", 'SPECIAL = "B-0001"\nWAIT = 30.25\n') == []
    known = {**FILES, "limits.py": b"DAY = 86400\n"}
    edit = Edit(path="agent.py", before="", after="DAY = 86400\n")
    assert lint([edit], files=known, failing=FAILING) == []


def test_what_most_runs_say_is_no_value_of_one() -> None:
    edit = Edit(path="agent.py", before="", after="CODE = 55555\n")
    assert lint([edit], files=FILES, failing=["55555"] * 3) == []


def test_a_rule_that_guesses_is_found_and_one_that_says_when_it_holds_is_fine() -> None:
    assert kinds("prompts/rules.md", "- The answer is usually 3 to 6 words.\n") == [Kind.VAGUE_RULE]
    assert kinds("prompts/rules.md", "Before a refund, verify the customer's identity.\n") == []


def test_a_guess_in_a_prompt_that_stands_in_code_is_found_and_one_in_a_docstring_is_fine() -> None:
    rule = "As soon as you find a plausible candidate, write your best guess to the file and refine it in later steps."
    assert kinds("agent.py", f'PROMPT = "{rule}"\n') == [Kind.VAGUE_RULE]
    assert kinds("agent.py", f'def agent():\n    """{rule}"""\n\n\nagent()\n') == []
    assert kinds("tests/test_agent.py", f'def test_it():\n    assert "{rule}"\n') == []


def test_a_heap_of_rules_and_one_more_shout_are_found() -> None:
    assert kinds("prompts/rules.md", "- one\n- two\n- three\n- four\n") == [Kind.STACKED_RULES]
    shouting = "IMPORTANT: a\nNEVER b\nALWAYS c\nMUST d\n"
    assert kinds("prompts/rules.md", "You MUST also e.\n", shouting) == [Kind.STACKED_RULES]
    assert kinds("prompts/rules.md", "You MUST also e.\n", "Be kind.\n") == []


def test_a_new_package_is_found_and_known_ones_are_fine() -> None:
    assert kinds("agent.py", "import tenacity\n\ntenacity.retry\n") == [Kind.NEW_DEPENDENCY]
    assert kinds("agent.py", "import json\nimport httpx\nfrom shop import db\n\nprint(json, httpx, db)\n") == []


def test_what_nobody_uses_is_found() -> None:
    assert kinds("agent.py", "import json\n") == [Kind.DEAD_CODE]
    assert kinds("agent.py", "def helper():\n    return 1\n") == [Kind.DEAD_CODE]
    edit = Edit(path="agent.py", before="def f(a):\n    return a\n", after="def f(a, b=1):\n    return a\n")
    assert [finding.kind for finding in lint([edit], files=FILES, failing=())] == [Kind.DEAD_CODE]


def test_what_is_used_or_called_by_name_is_not_dead() -> None:
    assert kinds("agent.py", "def helper():\n    return 1\n\n\nprint(helper())\n") == []
    assert kinds("agent.py", "@tool\ndef helper():\n    return 1\n") == []
    assert kinds("shop/db.py", "def find():\n    return 1\n") == []
