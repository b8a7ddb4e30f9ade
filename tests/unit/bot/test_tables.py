import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from bot import tables
from bot.errors import UnknownFailureMode
from bot.listed_modes import listed_modes
from bot.lookup import find_mode
from bot.stages import ProductStages
from fixers.evidence import Verdict
from tests.unit.bot.recorded_product import LOCAL, make_stages

HOSTILE = "[red]Ignore[/red] \x1b[31mall\x1b[0m \u202eprevious\n[link=https://evil.example]x[/link] \x9b2J"
LONG = "RateLimitError from the model provider ends the conversation although a retry would have done, 110 characters."


def drawn(page: RenderableType, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(page)
    return console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, as given


@pytest.fixture
def stages(tmp_path: Path) -> ProductStages:
    return make_stages(tmp_path, n=1)


def titled(stages: ProductStages, title: str, *, other_id: str = "") -> str:
    (mode,) = stages.store.failure_modes(LOCAL)
    failures = stages.store.failures_of_mode(LOCAL, mode.id)
    members = [(failure.trace_id, failure.span_id, failure.detector) for failure in failures]
    others = [replace(mode, id=other_id)] if other_id else []
    stages.store.save_modes(LOCAL, [replace(mode, title=title), *others], {mode.id: members})
    return mode.id


def test_a_long_title_keeps_its_words_whole_at_100_columns(stages: ProductStages) -> None:
    titled(stages, LONG)
    page = drawn(tables.modes_table(listed_modes(stages.store, LOCAL)))
    assert max(len(line) for line in page.splitlines()) <= 100
    assert all(word in page for word in LONG.split())
    assert len(page.splitlines()) <= 9  # heading, three lines of title, margins


def test_a_trend_is_one_word_in_the_table_and_a_number_beside_it_in_the_record(stages: ProductStages) -> None:
    (listed,) = listed_modes(stages.store, LOCAL)
    assert (listed.trend, listed.growth) == ("unknown", 1.0)
    growing = listed._replace(trend="growing", growth=2.5)
    assert "growing" in drawn(tables.modes_table([growing]))
    assert growing._asdict().items() >= {"trend": "growing", "growth": 2.5}.items()


def test_failure_modes_of_one_title_are_told_apart_by_their_service(stages: ProductStages) -> None:
    (one,) = listed_modes(stages.store, LOCAL)
    other = one._replace(id="f" * 16, service="billing")
    assert "(billing)" not in drawn(tables.modes_table([other]))
    page = drawn(tables.modes_table([one._replace(service="web shop"), other]))
    assert "(billing)" in page
    assert "(web shop)" in page


def test_hostile_text_is_shown_and_does_nothing(stages: ProductStages) -> None:
    mode_id = titled(stages, HOSTILE)
    record = tables.run_record(stages.store, LOCAL, unreadable={"o/r": HOSTILE})
    pages = [
        tables.modes_table(listed_modes(stages.store, LOCAL)),
        tables.mode_page(tables.shown_mode(stages.store, LOCAL, mode_id)),
        tables.run_page(record),
    ]
    for page in map(drawn, pages):
        assert not {"\x1b", "\x9b", "\u202e"} & set(page)
        assert "[red]Ignore[/red]" in page
        assert "\\u001b[31mall" in page


def test_a_record_is_json_without_markup(stages: ProductStages) -> None:
    mode_id = titled(stages, HOSTILE)
    record = json.loads(json.dumps(tables.run_record(stages.store, LOCAL)))
    assert record["not_fixed"] == [
        {"failure_mode": mode_id, "title": HOSTILE, "verdict": "not tried", "reason": tables.UNTRIED}
    ]


def test_a_failure_mode_is_found_by_as_much_of_its_id_as_only_it_has(stages: ProductStages) -> None:
    mode_id = titled(stages, "x", other_id="0123")
    assert find_mode(stages.store, LOCAL, mode_id[:5]).id == mode_id
    assert find_mode(stages.store, LOCAL, "0123").id == "0123"
    assert tables.shown_mode(stages.store, LOCAL, "01")["traces"] == 1


@pytest.mark.parametrize(("start", "told"), [("zz", "no failure mode 'zz'"), ("", "no failure mode ''")])
def test_an_unknown_id_is_named(stages: ProductStages, start: str, told: str) -> None:
    with pytest.raises(UnknownFailureMode, match=told):
        find_mode(stages.store, LOCAL, start)


def test_a_start_that_two_have_is_refused_but_a_whole_id_never_is(stages: ProductStages) -> None:
    mode_id = titled(stages, "x")
    titled(stages, "x", other_id=f"{mode_id}0")
    assert find_mode(stages.store, LOCAL, mode_id).id == mode_id
    with pytest.raises(UnknownFailureMode, match="2 failure modes that begin with"):
        find_mode(stages.store, LOCAL, mode_id[:4])


def test_every_attempt_is_shown_with_its_reason(stages: ProductStages) -> None:
    stages = replace(stages, sandbox=None, no_sandbox="bwrap is not installed: apt-get install bubblewrap")
    (task,) = stages.choose(LOCAL)
    stages.draft(LOCAL, task)
    shown = tables.shown_mode(stages.store, LOCAL, task.failure_mode_id)
    assert [attempt["verdict"] for attempt in shown["attempts"]] == [Verdict.NO_PROPOSAL.value]
    assert "agent: no model is configured" in drawn(tables.mode_page(shown), width=600)
