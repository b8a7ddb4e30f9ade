import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.advisor import MAX_ANSWER_TOKENS, Advisor
from bot.agents import Agents
from bot.audit import audit
from bot.blind_spots import blind_spots, weigh
from bot.blind_spots_page import WITHOUT, blind_spots_page
from bot.examine import examine
from bot.store.judgements import Audited
from bot.store.store import Store
from clustering.judgement import Verdict
from fixers.errors import ModelError
from fixers.model import Reply
from tests.unit.bot.recorded_product import LOCAL, NOW, Clock, keep, make_store

AGENTS = Agents()


@dataclass
class Reader:
    """A judge that calls every run failed, citing its first step; or the provider fails after `n` answers."""

    n: int = 1_000
    cited: str = ""
    tokens: int = 100
    seen: list[str] = field(default_factory=list)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        assert not tools
        if len(self.seen) >= self.n:
            raise ModelError("the provider of reader failed: 503")
        self.seen.append(messages[1]["content"])
        first = json.loads(self.seen[-1].splitlines()[1])
        cited = [{"step": first["step"], "quote": self.cited or first["text"][:40]}]
        told = {"failed": True, "kind": "missing_action", "why": "Nothing was done.", "cited": cited}
        return Reply(content=json.dumps(told), input_tokens=self.tokens, cost_usd=self.tokens / 1_000)


def examined(folder: Path, *, n: int = 3) -> Store:
    store = make_store(folder, n=n)
    look(store)
    return store


def look(store: Store) -> None:
    examine(store, LOCAL, agents=AGENTS, quiet_s=0, on_progress=lambda *_: None)


def asked(store: Store, model: Reader, *, days: int = 0, **limits: Any) -> int:  # noqa: ANN401
    judge = Advisor(**{"model": model, "name": "reader", "tokens_per_day": 10**6, "usd_per_day": 10.0} | limits)
    return audit(store, LOCAL, judge=judge, agents=AGENTS, now=NOW + timedelta(days=days))


def judged(store: Store) -> list[str]:
    return [failure.key for failure in store.failures(LOCAL) if failure.detector == "judge"]


def test_each_run_is_judged_once_and_a_failure_is_added_where_no_detector_saw_one(tmp_path: Path) -> None:
    store, model = examined(tmp_path), Reader()
    assert (asked(store, model), asked(store, model)) == (6, 0)
    assert judged(store) == ["missing_action"] * 3
    assert len(store.failures(LOCAL)) == 6


def test_what_the_judge_found_stays_when_its_run_grows(tmp_path: Path) -> None:
    store = examined(tmp_path, n=1)
    asked(store, Reader())
    keep(store, "healthy 1")
    look(store)
    assert judged(store) == ["missing_action"]


def test_what_a_judge_cites_and_nobody_said_is_no_failure(tmp_path: Path) -> None:
    store = examined(tmp_path)
    asked(store, Reader(cited="words that nobody said"))
    assert judged(store) == []
    assert blind_spots(store, LOCAL, judge=None, now=NOW)["unusable_answers"] == 6


def test_the_budget_in_tokens_is_kept_and_renewed_after_a_day(tmp_path: Path) -> None:
    store, model = examined(tmp_path), Reader(tokens=1_000)
    budget = MAX_ANSWER_TOKENS + 3_000
    assert asked(store, model, tokens_per_day=budget) == 3
    assert asked(store, model, tokens_per_day=budget) == 0
    assert asked(store, model, tokens_per_day=budget, days=2) == 3


def test_the_budget_in_dollars_is_kept(tmp_path: Path) -> None:
    store = examined(tmp_path)
    prices = {"usd_per_day": 0.25, "usd_per_million": (1.0, 1.0)}
    assert asked(store, Reader(tokens=100), **prices) == 3  # ten cents each; the third is asked with five cents left


def test_a_provider_that_fails_ends_the_round_and_what_was_judged_is_kept(tmp_path: Path) -> None:
    store = examined(tmp_path)
    assert asked(store, Reader(n=2)) == 2
    assert len(store.audited(LOCAL)) == 2


def test_blind_spots_without_a_model_say_that_nobody_looked(tmp_path: Path) -> None:
    told = blind_spots(examined(tmp_path), LOCAL, judge=None, now=NOW)
    assert (told["unflagged"], told["audited"], told["found"]["k"], told["budget_for_24_h"]) == (3, 0, 0, None)
    assert WITHOUT in " ".join(shown(told).split())
    assert "recall" not in shown(told)


def test_blind_spots_before_the_first_audit_say_how_it_comes_about(tmp_path: Path) -> None:
    judge = Advisor(model=Reader(), name="reader", tokens_per_day=900, usd_per_day=2.0)
    told = shown(blind_spots(make_store(tmp_path, n=1), LOCAL, judge=judge, now=NOW))
    assert "`tracewright run`" in told
    assert "recall" not in told
    assert "0 of 900 tokens" in told


def test_blind_spots_say_how_much_was_audited_and_what_was_found(tmp_path: Path) -> None:
    store = examined(tmp_path)
    asked(store, Reader())
    judge = Advisor(model=Reader(), name="reader", tokens_per_day=900, usd_per_day=2.0)
    told = blind_spots(store, LOCAL, judge=judge, now=Clock()())
    assert (told["unflagged"], told["audited"], told["found"]["k"], told["share_audited"]) == (3, 3, 3, 1.0)
    assert told["spent_in_24_h"] == {"tokens": 600, "cost_usd": 0.6}
    assert {row["kind"] for row in told["failures"]} == {"missing_action"}
    assert "3 of 3" in shown(told)
    assert "Nothing was done." in shown(told)
    assert "600 of 900 tokens" in shown(told)


def shown(told: dict[str, Any]) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(blind_spots_page(told))
    return console.export_text()


def answers(n: int, verdict: Verdict, rating: int, *, flagged: bool = False) -> list[Audited]:
    return [Audited(verdict, flagged, rating)] * n


def test_the_judge_is_held_against_what_people_said() -> None:
    told = weigh(
        [
            *answers(8, Verdict.FAILED, -1, flagged=True),
            *answers(2, Verdict.HEALTHY, -1, flagged=True),
            *answers(2, Verdict.FAILED, 1, flagged=True),
            *answers(18, Verdict.HEALTHY, 1, flagged=True),
            *answers(4, Verdict.UNSUPPORTED, -1),
        ]
    )
    assert (told.recall.k, told.recall.n) == (8, 10)
    assert (told.precision.k, told.precision.n) == (8, 10)
    assert told.n_unusable == 4


def test_false_alarms_are_taken_out_of_what_was_found_and_misses_added() -> None:
    rated = [
        *answers(40, Verdict.FAILED, -1, flagged=True),
        *answers(40, Verdict.HEALTHY, -1, flagged=True),
        *answers(80, Verdict.HEALTHY, 1, flagged=True),
    ]
    told = weigh([*rated, *answers(200, Verdict.FAILED, 0), *answers(800, Verdict.HEALTHY, 0)])
    assert told.found[:2] == (200, 1_000)
    low, high = told.corrected or (0, 0)
    assert low == pytest.approx(2 * told.found.low, abs=1e-3)  # it finds every second failure
    assert high == pytest.approx(2 * told.found.high, abs=1e-3)


@pytest.mark.parametrize("rating", [-1, 1])
def test_with_ratings_on_one_side_only_nothing_is_corrected(rating: int) -> None:
    told = weigh([*answers(50, Verdict.FAILED, rating), *answers(9, Verdict.HEALTHY, -rating)])
    assert told.corrected is None
