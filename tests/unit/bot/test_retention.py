import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS, DBOSConfig

from bot.retention import Kept, Retention, cutoff, keep_within, would_keep
from bot.store.engine import open_engine
from bot.store.size import Hour
from bot.store.store import Store
from bot.work import forget_finished
from webhooks.inbox import Batch
from webhooks.searched import rows_of
from webhooks.trace import Span

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURS = [Hour(NOON + number * HOUR, 100.0) for number in range(4)]


@pytest.mark.parametrize(
    ("excess", "after", "expected"),
    [(0, -1, None), (1, -1, 0), (100, -1, 0), (101, -1, 1), (101, 0, 2), (999, -1, 2), (1, 2, None)],
)
def test_as_many_of_the_oldest_hours_go_as_are_too_much(excess: float, after: int, expected: int | None) -> None:
    found = cutoff(excess, HOURS, after=NOON + after * HOUR, latest=NOON + 2 * HOUR)
    assert found == (None if expected is None else NOON + expected * HOUR)


class Time:
    now = NOON - timedelta(days=9)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Nine days of one batch a day, of 100 kB."""
    time = Time()
    store = Store(open_engine(f"sqlite:///{tmp_path / 'a.db'}"), now=time)
    for day in range(9):
        spans = [Span(trace_id=f"{day}", span_id=f"{each}", name="n" * 99, start=time.now) for each in range(20)]
        store.keep_batch("7", Batch(dialect="otlp-json", body=os.urandom(100_000), rows=rows_of(spans)))
        time.now += timedelta(days=1)
    return store


def keep(store: Store, **limits: int) -> Kept:
    return keep_within(store, Retention(**limits), now=NOON, rest=lambda _: None, forget_finished=lambda _: 5)


def test_by_age_whole_days_go_and_the_rest_stays(store: Store) -> None:
    assert would_keep(store, Retention(keep_days=3), now=NOON).pruned.n_traces == 6
    kept = keep(store, keep_days=3)
    assert (kept.pruned.n_traces, kept.n_workflows) == (6, 5)
    assert kept.before == (NOON - timedelta(days=3)).replace(hour=0)
    assert store.size().oldest == NOON - timedelta(days=3)


def test_by_size_the_oldest_go_until_the_rest_fits(store: Store) -> None:
    limit = store.size().n_bytes - 350_000
    assert keep(store, keep_bytes=limit).pruned.n_traces in {4, 5}
    assert limit - 200_000 < store.size().n_bytes <= limit
    assert keep(store, keep_bytes=limit).pruned.n_traces == 0


def test_a_limit_that_cannot_be_met_ends_with_a_warning(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    assert keep(store, keep_bytes=1).pruned.n_traces == 9
    assert "1 are allowed" in caplog.text


def test_without_limits_everything_stays(store: Store) -> None:
    assert keep(store).before is None
    assert store.counts("7").n_traces == 9


@pytest.fixture
def work(tmp_path: Path) -> sa.Engine:
    return open_engine(f"sqlite:///{tmp_path / 'work.db'}")


def test_finished_work_of_long_ago_is_forgotten(work: sa.Engine) -> None:
    assert forget_finished(work, NOON) == 0  # nothing was ever run

    @DBOS.workflow()
    def nothing() -> None:
        pass

    logging.getLogger("dbos").handlers.clear()  # one may write to a stream that is closed by now
    DBOS(config=DBOSConfig(name="retention", system_database_engine=work, log_level="ERROR"))
    DBOS.launch()
    try:
        DBOS.start_workflow(nothing).get_result()
        now = datetime.now(UTC)
        count: Callable[[], int] = lambda: len(DBOS.list_workflows())  # noqa: E731
        assert (forget_finished(work, now - HOUR), count()) == (0, 1)
        assert (forget_finished(work, now + HOUR), count()) == (1, 0)
    finally:
        DBOS.destroy(destroy_registry=False)
