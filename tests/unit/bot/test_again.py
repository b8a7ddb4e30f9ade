"""What failed while GitHub was away is done later, a few times, and never twice at once."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bot.again import PAUSES, first_try, try_again
from bot.errors import ForgeError
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.work import forget_work

NAMES = ("handle_when_well",)
AWAY: list[str] = []
DONE: list[str] = []


@DBOS.workflow()
def handle_when_well(delivery_id: str) -> None:
    if AWAY:
        raise ForgeError(AWAY.pop())
    DONE.append(delivery_id)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    AWAY.clear()
    DONE.clear()
    work = open_engine(f"sqlite:///{tmp_path}/work.db")
    logging.getLogger("dbos").handlers.clear()  # one may write to a stream that a runner of commands has closed
    DBOS(config=DBOSConfig(name="test", system_database_engine=work, log_level="CRITICAL"))
    DBOS.launch()
    kept = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: datetime.now(UTC))
    yield kept
    kept.close()
    DBOS.destroy(destroy_registry=False)
    work.dispose()


def arrive(delivery_id: str) -> None:
    with SetWorkflowID(f"watch-{delivery_id}"):
        started = DBOS.start_workflow(handle_when_well, delivery_id)
    if AWAY:
        with pytest.raises(ForgeError):
            started.get_result()


def later(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_delivery_that_failed_is_handled_when_github_is_well_again(store: Store) -> None:
    AWAY.extend(["502", "502"])
    arrive("d1")
    assert try_again(store, now=later(0), names=NAMES) == []  # not yet
    assert try_again(store, now=later(1.1), names=NAMES) == ["watch-d1~1"]
    with pytest.raises(ForgeError):
        DBOS.retrieve_workflow("watch-d1~1").get_result(polling_interval_sec=0.02)
    assert try_again(store, now=later(4.1), names=NAMES) == ["watch-d1~2"]
    DBOS.retrieve_workflow("watch-d1~2").get_result(polling_interval_sec=0.02)
    assert DONE == ["d1"]
    assert try_again(store, now=later(60 * 24), names=NAMES) == []


def test_what_always_fails_ends(store: Store) -> None:
    AWAY.extend(["broken"] * 20)
    arrive("d1")
    started: list[str] = []
    for pause in PAUSES:
        started += try_again(store, now=later(pause.total_seconds() / 60 + 1), names=NAMES)
        with pytest.raises(ForgeError):
            DBOS.retrieve_workflow(started[-1]).get_result(polling_interval_sec=0.02)
    assert started == [f"watch-d1~{number}" for number in range(1, len(PAUSES) + 1)]
    assert try_again(store, now=later(60 * 24), names=NAMES) == []


def test_every_try_is_forgotten_with_its_tenant(store: Store) -> None:
    AWAY.append("502")
    arrive("d1")
    (again,) = try_again(store, now=later(2), names=NAMES)
    DBOS.retrieve_workflow(again).get_result()
    forget_work("7", ["d1"])
    assert DBOS.list_workflows() == []


@pytest.mark.parametrize(
    ("workflow_id", "told"), [("watch-d1", ("watch-d1", 0)), ("watch-d1~3", ("watch-d1", 3)), ("a~b", ("a~b", 0))]
)
def test_a_try_is_told_from_its_id(workflow_id: str, told: tuple[str, int]) -> None:
    assert first_try(workflow_id) == told
