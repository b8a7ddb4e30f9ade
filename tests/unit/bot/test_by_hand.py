"""What people merge and split stays so: through growth, other wordings and restarts."""

from pathlib import Path

import numpy as np
import pytest

from bot.by_hand import merge, set_status, split
from bot.errors import NotMergeable, NotSplittable
from bot.store import grouping
from clustering.failure_mode import Status
from tests.unit.bot.grouped_store import BALANCE, ENCODER, METHOD, TENANT, Grouped
from tests.unit.clustering.runs import Run


@pytest.fixture
def grouped(tmp_path: Path) -> Grouped:
    return Grouped(tmp_path)


def test_what_was_merged_stays_together_through_growth_and_a_restart(grouped: Grouped) -> None:
    failures = [*grouped.fail(BALANCE, 2), *grouped.fail(METHOD, 5, key="KeyError")]
    larger, smaller = grouped.group()
    merged = merge(grouped.store, TENANT, smaller.id, larger.id, encoder=ENCODER)
    assert (merged.id, merged.n_traces, merged.title) == (smaller.id, 7, smaller.title)
    grouped.restart()
    failures += [*grouped.fail(METHOD, key="KeyError"), *grouped.fail(f"{METHOD} today", key="KeyError")]
    failures += grouped.fail(f"{BALANCE} today")
    assert [mode.id for mode in grouped.group()] == [smaller.id]
    assert set(grouped.places(failures)) == {smaller.id}


def test_a_failure_that_is_gone_is_counted_no_longer(grouped: Grouped) -> None:
    gone, *_ = grouped.fail(BALANCE, 3)
    assert [mode.n_traces for mode in grouped.group()] == [3]
    run = Run(trace_id=gone.trace_id)
    run.agent()
    grouped.store.save_examined(TENANT, run.trace, [])
    assert [mode.n_traces for mode in grouped.group()] == [2]


def test_a_large_mode_is_counted_when_it_has_grown_by_a_share(
    grouped: Grouped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "LARGE", 4)
    monkeypatch.setattr(grouping, "ROUGHLY", 0.5)
    grouped.fail(BALANCE, 4)
    (before,) = grouped.group()
    grouped.fail(BALANCE)
    (later,) = grouped.group()
    assert (later.n_traces, later.last_seen > before.last_seen) == (4, True)
    grouped.fail(BALANCE, 2)
    assert [mode.n_traces for mode in grouped.group()] == [7]


def test_a_merge_needs_no_word_when_grouping_comes_to_the_same(grouped: Grouped) -> None:
    grouped.fail(BALANCE)
    (mode,) = grouped.group()
    with pytest.raises(NotMergeable, match="one failure mode already"):
        merge(grouped.store, TENANT, mode.id, mode.id, encoder=ENCODER)


def test_what_was_split_stays_apart_through_growth_and_a_restart(grouped: Grouped) -> None:
    mornings, evenings = grouped.fail(f"{BALANCE} this morning", 3), grouped.fail(f"{BALANCE} this evening", 2)
    (mode,) = grouped.group()
    parts = split(grouped.store, TENANT, mode.id, by="has:morning", encoder=ENCODER)
    assert [part.n_traces for part in parts] == [3, 2]
    assert parts[0].id == mode.id
    grouped.restart()
    mornings += grouped.fail(f"{BALANCE} this morning early")
    evenings += grouped.fail(f"{BALANCE} this evening late", 4)
    grouped.group()
    assert set(grouped.places(mornings)) == {parts[0].id}
    assert set(grouped.places(evenings)) == {parts[1].id}


def test_the_last_word_counts(grouped: Grouped) -> None:
    grouped.fail(BALANCE, 3), grouped.fail(METHOD, 2, key="KeyError")
    one, other = grouped.group()
    merge(grouped.store, TENANT, one.id, other.id, encoder=ENCODER)
    parts = split(grouped.store, TENANT, one.id, by="key", encoder=ENCODER)
    assert [part.n_traces for part in parts] == [3, 2]
    merged = merge(grouped.store, TENANT, *(part.id for part in parts), encoder=ENCODER)
    assert [mode.n_traces for mode in grouped.group()] == [merged.n_traces] == [5]


@pytest.mark.parametrize("by", ["service", "colour", "has:", "has: "])
def test_a_split_that_makes_no_parts_is_refused_and_not_remembered(grouped: Grouped, by: str) -> None:
    grouped.fail(BALANCE, 2)
    (mode,) = grouped.group()
    with pytest.raises(NotSplittable):
        split(grouped.store, TENANT, mode.id, by=by, encoder=ENCODER)
    assert grouped.store.wishes(TENANT) == []


def test_two_agents_that_fail_alike_share_no_failure_mode_and_cannot_be_merged(grouped: Grouped) -> None:
    ours, theirs = grouped.fail(BALANCE, 2), grouped.fail(BALANCE, 2, service="billing")
    one, other = grouped.group()
    assert set(grouped.places(ours)).isdisjoint(grouped.places(theirs))
    assert {one.service, other.service} == {"shop", "billing"}
    with pytest.raises(NotMergeable, match="belong to"):
        merge(grouped.store, TENANT, one.id, other.id, encoder=ENCODER)


def test_two_services_of_one_agent_share_a_failure_mode(grouped: Grouped) -> None:
    grouped.fail(BALANCE, 3), grouped.fail(BALANCE, 2, service="billing")
    before = grouped.group()
    grouped.owner_of = lambda _: "acme/shop#support"
    assert [mode.id for mode in grouped.group()] == [before[0].id]


@pytest.mark.parametrize(("decided", "after"), [("archived", "archived"), ("resolved", "regressed")])
def test_a_new_failure_reopens_what_was_resolved_and_not_what_was_archived(
    grouped: Grouped, decided: str, after: str
) -> None:
    grouped.fail(BALANCE)
    (mode,) = grouped.group()
    set_status(grouped.store, TENANT, mode.id[:6], Status(decided))
    grouped.fail(BALANCE)
    assert [mode.status for mode in grouped.group()] == [after]


def test_a_part_of_a_failure_mode_remembers_what_it_was_part_of(grouped: Grouped) -> None:
    grouped.fail(f"{BALANCE} this morning", 3), grouped.fail(f"{BALANCE} this evening", 2)
    (mode,) = grouped.group()
    kept, part = split(grouped.store, TENANT, mode.id, by="message", encoder=ENCODER)
    assert (kept.ancestors, part.ancestors) == ((), (mode.id,))


def test_grouping_reads_no_trace_and_embeds_each_description_once(grouped: Grouped) -> None:
    grouped.fail(BALANCE, 30)
    grouped.fail(METHOD, 2)
    ENCODER.asked.clear()
    grouped.store.load_traces = None  # type: ignore[method-assign,assignment]  # nobody may call it
    mode, _ = grouped.group()
    assert (mode.n_traces, len(mode.exemplars), len(ENCODER.asked)) == (30, 5, 2)
    assert np.isclose(np.linalg.norm(mode.centroid), 1)
