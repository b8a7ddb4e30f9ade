"""Whom a failure mode reached is counted in people on days, from what is stored, on both databases."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.store.failures import failure_id
from bot.store.people import people_by_day
from bot.store.store import Store
from clustering.trend import PAST_DAYS, RECENT_DAYS, Days, Trend
from tests.unit.bot.kept_trace import keep_trace
from webhooks.trace import Span, Trace

Fixture = Any  # what conftest.py makes; its types cannot be imported here
Come = Callable[..., None]
DAY = timedelta(days=1)


@pytest.fixture
def come(store: Store, clock: Fixture, make_failure: Fixture, make_mode: Fixture) -> Come:
    """Return what lets runs of a user come some days ago, in which a failure mode shows or not."""
    failures: list[Any] = []

    def let_come(days_ago: int, user_id: str | None, times: int = 1, *, bad: bool = False) -> None:
        for number in range(times):
            at = clock.time - days_ago * DAY
            trace_id = f"{days_ago} {user_id} {number} {bad}"
            attributes = {"user.id": user_id} if user_id else {}
            span = Span(trace_id=trace_id, span_id="a", name="run", start=at, end=at, attributes=attributes)
            found = make_failure(trace_id=trace_id, user_id=user_id, session_id=None, occurred_at=at)
            trace = keep_trace(store, "7", Trace.from_spans([span]))
            store.save_examined("7", trace, [found] if bad else [])
            failures.extend([found] if bad else [])
        store.save_modes("7", [make_mode()], {"fm1": [failure_id(failure) for failure in failures]})

    return let_come


def counted(store: Store, now: datetime) -> Days:
    with store.engine.connect() as connection:
        return people_by_day(connection, "7", now=now)


def test_each_user_counts_once_a_day_and_a_run_without_one_by_itself(store: Store, clock: Fixture, come: Come) -> None:
    come(0, "ada", 5, bad=True)
    come(0, "bob")
    come(0, None, 2, bad=True)
    come(1, "ada", bad=True)
    days, today = counted(store, clock.time), int(clock.time.timestamp()) // (24 * 3600)
    assert days.traffic == {today: 4, today - 1: 1}
    assert days.reached == {"fm1": {today: 3, today - 1: 1}}
    assert days.of_late == {"fm1": 3}


def test_days_are_counted_from_the_last_one_on_which_anything_ran(store: Store, clock: Fixture, come: Come) -> None:
    come(0, "ada", bad=True)
    assert counted(store, clock.time + 300 * DAY) == counted(store, clock.time)
    come(-900, "skewed")  # a clock that is wrong ends nothing
    assert counted(store, clock.time).of_late == {"fm1": 1}
    come(400, "long ago", bad=True)
    assert sum(counted(store, clock.time).traffic.values()) == 1


def test_without_a_trace_there_is_nothing_to_count(store: Store) -> None:
    assert store.growths("7") == {}


def test_a_failure_mode_that_spread_is_growing(store: Store, come: Come) -> None:
    for day in range(12):
        come(day, f"user {day}", bad=day < RECENT_DAYS)
        for number in range(4):
            come(day, f"guest {number}", bad=day < RECENT_DAYS and number < 3)
    assert store.growths("7")["fm1"].trend is Trend.GROWING


def test_one_user_who_came_to_fail_all_day_is_no_growth(store: Store, come: Come) -> None:
    for day in range(RECENT_DAYS + PAST_DAYS):
        come(day, "chatty", 9 if day < RECENT_DAYS else 1, bad=day < RECENT_DAYS)
    assert store.growths("7")["fm1"].trend is Trend.STEADY
