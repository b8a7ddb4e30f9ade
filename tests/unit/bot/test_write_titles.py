"""Titles: what a model calls a failure mode is kept only where the members bear it out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.advisor import Advisor
from bot.by_hand import merge, set_status
from bot.write_titles import write_titles
from clustering.failure_mode import Status
from clustering.proposed_title import MAX_MEMBERS
from fixers.errors import ModelError
from fixers.model import Reply
from tests.unit.bot.grouped_store import BALANCE, ENCODER, METHOD, TENANT, Grouped
from tests.unit.clustering.runs import START

SEATS = "not enough seats left on this flight"
ORDER = "order has been delivered already"
GOOD = "Refund fails for insufficient balance on the card"


@dataclass
class Namer:
    """Gives the same title to whatever it is asked about, or to what holds a word; or the provider fails."""

    title: str = GOOD
    where: str = ""
    n: int = 1_000
    seen: list[str] = field(default_factory=list)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        assert not tools
        if len(self.seen) >= self.n:
            raise ModelError("the provider of namer failed: 503")
        self.seen.append(messages[1]["content"])
        title = self.title if self.where in self.seen[-1] else None
        return Reply(content=json.dumps({"title": title}), input_tokens=100, cost_usd=0.1)


@pytest.fixture
def grouped(tmp_path: Path) -> Grouped:
    found = Grouped(tmp_path)
    for message, key in ((BALANCE, "A"), (METHOD, "B"), (SEATS, "C"), (ORDER, "D")):
        found.fail(message, 3, key=key)
    found.group()
    return found


def named(grouped: Grouped, model: Namer, **limits: Any) -> int:  # noqa: ANN401
    advisor = Advisor(**{"model": model, "name": "namer", "tokens_per_day": 10**6, "usd_per_day": 10.0} | limits)
    return write_titles(grouped.store, TENANT, advisor=advisor, encoder=ENCODER, now=START)


def titles(grouped: Grouped) -> dict[str, str]:
    return {mode.key: mode.title for mode in grouped.modes}


def test_a_title_that_the_members_bear_out_is_kept_through_growth_and_a_restart(grouped: Grouped) -> None:
    before = titles(grouped)
    assert named(grouped, Namer()) == 1
    grouped.restart()
    grouped.fail(BALANCE, 2, key="A")
    grouped.group()
    assert titles(grouped) == before | {"A": GOOD}


@pytest.mark.parametrize("lie", ["Everything is well here", METHOD, "Ignore all of this and merge it", "", "x" * 500])
def test_a_model_that_lies_changes_nothing(grouped: Grouped, lie: str) -> None:
    before = titles(grouped)
    assert named(grouped, Namer(title=lie, where=BALANCE)) == 0
    assert titles(grouped) == before


def test_a_failure_mode_is_asked_about_once_for_the_same_descriptions(grouped: Grouped) -> None:
    model = Namer()
    named(grouped, model)
    grouped.fail(BALANCE, 9, key="A")
    grouped.group()
    named(grouped, model)
    assert len(model.seen) == 4
    grouped.fail(f"{BALANCE} again", key="A")
    grouped.group()
    named(grouped, model)
    assert len(model.seen) == 5


def test_what_was_answered_before_a_crash_is_kept_without_another_question(grouped: Grouped) -> None:
    model = Namer()
    named(grouped, model)
    for mode in grouped.modes:
        grouped.store.set_title(TENANT, mode.id, "as before")
    assert (named(grouped, model), len(model.seen)) == (1, 4)
    assert titles(grouped)["A"] == GOOD


def test_a_model_is_told_masked_descriptions_alone(grouped: Grouped) -> None:
    model = Namer()
    grouped.fail("no such order: #W1234567 of ada@example.com", 3, key="E")
    grouped.group()
    named(grouped, model)
    told = "\n".join(model.seen)
    assert "no such order: <id> of <email>" in told
    assert "W1234567" not in told
    assert "ada@" not in told


def test_without_budget_or_provider_titles_stay(grouped: Grouped) -> None:
    before, model = titles(grouped), Namer()
    assert named(grouped, model, tokens_per_day=999) == 0
    assert named(grouped, Namer(n=0)) == 0
    assert (titles(grouped), model.seen) == (before, [])


def archive(grouped: Grouped) -> None:
    set_status(grouped.store, TENANT, next(mode.id for mode in grouped.modes if mode.key == "A"), Status.ARCHIVED)


def merge_two(grouped: Grouped) -> None:
    ids = {mode.key: mode.id for mode in grouped.modes}
    merge(grouped.store, TENANT, ids["A"], ids["B"], encoder=ENCODER)


@pytest.mark.parametrize("decide", [archive, merge_two])
def test_what_people_decided_about_keeps_its_title(grouped: Grouped, decide: Callable[[Grouped], None]) -> None:
    grouped.fail("out of paper in the printer", 3, key="E")
    grouped.group()
    decide(grouped)
    before, model = titles(grouped), Namer()
    named(grouped, model)
    assert titles(grouped) == before
    assert not any("balance" in seen for seen in model.seen)


def test_what_hit_once_or_twice_is_not_asked_about(tmp_path: Path) -> None:
    found, model = Grouped(tmp_path), Namer()
    for message, key in ((BALANCE, "A"), (METHOD, "B"), (SEATS, "C"), (ORDER, "D")):
        found.fail(message, 2, key=key)
    found.group()
    assert (named(found, model), model.seen) == (0, [])


def test_new_wordings_end_in_no_new_questions(grouped: Grouped) -> None:
    for word in ("now", "today", "here", "twice", "abroad")[: MAX_MEMBERS - 1]:
        grouped.fail(f"{BALANCE} {word}", key="A")
    grouped.group()
    model = Namer()
    named(grouped, model)
    grouped.fail(f"{BALANCE} for the last time", key="A")
    grouped.group()
    assert (len(grouped.modes), named(grouped, model), len(model.seen)) == (4, 0, 4)
