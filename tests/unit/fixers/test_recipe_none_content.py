"""Answers whose content is None, in harnesses that read them in three different ways."""

from pathlib import Path

import pytest

from fixers.recipes.none_content import NoneContent
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import asked_with, failure_of, mode_of
from tests.unit.fixers.tool_harnesses import BY_HAND, FRAMEWORK, PLAIN

LAST_WORDS = PLAIN["shop_agent.py"].replace("return message.content", "return message.content.strip()")
TOLD = FRAMEWORK["src/crew/runner.py"].replace(
    "            if not message.tool_calls:",
    "            self.told = self.told + [message.content[:80]]\n            if not message.tool_calls:",
)
TOLD = TOLD.replace("        self.tools = tools", "        self.tools = tools\n        self.told = []")
COUNTED = BY_HAND["desk/loop.py"].replace(
    "\t\tmessage = ask(messages)\n",
    '\t\tif sum(len(m["content"]) for m in messages) > 9_000:\n\t\t\tbreak\n\t\tmessage = ask(messages)\n',
)
HARNESSES = {
    "sdk": {"shop_agent.py": LAST_WORDS},
    "framework": FRAMEWORK | {"src/crew/runner.py": TOLD},
    "by hand": BY_HAND | {"desk/loop.py": COUNTED},
}


@pytest.mark.parametrize("name", HARNESSES)
def test_an_answer_without_words_is_an_empty_text(name: str, tmp_path: Path) -> None:
    fix = mended(NoneContent(), HARNESSES[name], tmp_path)
    assert "no function takes" in declined(NoneContent(), after_of(fix, HARNESSES[name]))


@pytest.mark.parametrize(
    "right",
    [
        'return (message.content or "").strip()',
        "return message.content.strip() if message.content else None",
        "return message.content and message.content.strip()",
        "return str(message.content)",
        "return page.content.strip()",
    ],
)
def test_what_asks_first_or_is_no_message_is_left_alone(right: str) -> None:
    declined(NoneContent(), LAST_WORDS.replace("return message.content.strip()", right))


def test_only_the_method_that_none_was_asked_for_is_looked_for() -> None:
    messages = {"lower": False, "strip": True}
    for method, fits in messages.items():
        seen = asked_with("error", "AttributeError")
        told = f"'NoneType' object has no attribute '{method}'"
        failures = [failure_of("error", "AttributeError", told)]
        fix = NoneContent().apply(HARNESSES["sdk"], DIAGNOSIS, seen=type(seen)(failures=failures, traces=seen.traces))
        assert isinstance(fix, str) is not fits


def test_runs_whose_answers_all_had_words_have_another_flaw() -> None:
    seen = asked_with("error", "AttributeError", said="hello")
    assert (
        NoneContent().apply(HARNESSES["sdk"], DIAGNOSIS, seen=seen) == "no answer of the failing runs is without words"
    )


@pytest.mark.parametrize(
    ("detector", "key", "message", "fits"),
    [
        ("error", "AttributeError", "'NoneType' object has no attribute 'strip'", True),
        ("error", "TypeError", "object of type 'NoneType' has no len()", True),
        ("error", "AttributeError", "'Order' object has no attribute 'strip'", False),
        ("tool_error", "TypeError", "object of type 'NoneType' has no len()", False),
    ],
)
def test_it_is_for_runs_that_ended_at_none(detector: str, key: str, message: str, *, fits: bool) -> None:
    assert NoneContent().fits(mode_of(detector, key), [failure_of(detector, key, message)]) is fits
