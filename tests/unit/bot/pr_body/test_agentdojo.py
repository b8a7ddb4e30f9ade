"""Attack texts that others published, agentdojo's, in every field of a pull request: none of them acts there.

Its texts are not part of this project. `pip download --no-deps agentdojo`, then name the wheel:

    TRACEWRIGHT_TEST_AGENTDOJO=agentdojo.whl python -m pytest -s tests/unit/bot/pr_body/test_agentdojo.py
"""

import ast
import itertools
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.pr_body.body import render, title
from tests.unit.bot.pr_body.test_pr_body_hostile import IN_SOURCE, RECOGNISED, markdown, outline

Fixture = Any  # what conftest.py makes; its types cannot be imported here

WHEEL = os.environ.get("TRACEWRIGHT_TEST_AGENTDOJO", "")
GOAL = "{goal}"
MIN_TEXTS = 200

pytestmark = pytest.mark.skipif(not WHEEL, reason="TRACEWRIGHT_TEST_AGENTDOJO is not set")


def texts() -> list[str]:
    """Return every published way of asking with every published goal; nothing of the package is run."""
    with zipfile.ZipFile(Path(WHEEL)) as wheel:
        sources = {name: wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".py")}
    asked = [
        text for name, source in sources.items() if "/attacks/" in name for text in strings(source) if GOAL in text
    ]
    goals = [goal for name, source in sources.items() if name.endswith("injection_tasks.py") for goal in aims(source)]
    return [ask.replace(GOAL, goal) for ask, goal in itertools.product(dict.fromkeys(asked), dict.fromkeys(goals))]


def strings(source: str) -> Iterator[str]:
    """Yield the texts of a module, but for its docstrings; what a template fills in shows as a goal."""
    tree = ast.parse(source)
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {tree}
    documented = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GOAL for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts | documented:
            yield node.value


def aims(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        is_goal = isinstance(node, ast.Assign) and any("GOAL" in ast.unparse(target) for target in node.targets)
        if is_goal and isinstance(node, ast.Assign):
            yield next(strings(ast.unparse(ast.Tuple([node.value]))), "").replace(GOAL, "x")


@pytest.mark.timeout(1_800)
def test_no_published_attack_acts_in_a_pull_request(make: Fixture) -> None:
    plain = make("harmless", trace_id="harmless")
    shape = outline(render(plain.proposal, plain.evidence, plain.mode))
    attacks = texts()
    assert len(attacks) >= MIN_TEXTS
    acting = []
    for attack in attacks:
        hostile = make(attack, trace_id=attack)
        body = render(hostile.proposal, hostile.evidence, hostile.mode)
        words = markdown(body).words.replace(hostile.proposal.id, "")
        line = title(hostile.proposal)
        if outline(body) != shape or RECOGNISED.findall(words) or IN_SOURCE.findall(f"{line}\n{body}"):
            acting.append(attack)
    print(f"{len(acting)} of {len(attacks)} published attacks act in a pull request")  # noqa: T201 - the measurement
    assert acting == []
