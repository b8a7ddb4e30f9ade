"""What was uninstalled is deleted after the stated time, with its durable work."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import DBOS, DBOSConfig, SetWorkflowID

from bot.forget import forget_uninstalled
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.work import end_work, forget_work
from webhooks.github import Delivery

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass
class Clock:
    time: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        return self.time


OVER = threading.Event()
PATIENCE_S = 600.0


@DBOS.workflow()
def wait_for_ever() -> None:
    OVER.wait(PATIENCE_S)  # not DBOS's own waiting: nothing wakes it, and the process would not end before its time


@DBOS.step()
def run_in_a_step(do: Callable[[str], None], tenant: str) -> None:
    do(tenant)


@DBOS.workflow()
def end_from_within(tenant: str) -> None:
    run_in_a_step(end_work, tenant)


@pytest.fixture
def dbos(tmp_path: Path) -> Iterator[None]:
    engine = open_engine(f"sqlite:///{tmp_path}/work.db")
    # Another test's run of the command line may have left DBOS a handler on a stream that is closed by now.
    logging.getLogger("dbos").handlers.clear()
    DBOS(config=DBOSConfig(name="test", system_database_engine=engine, log_level="ERROR"))
    OVER.clear()
    DBOS.launch()
    yield
    OVER.set()
    DBOS.destroy(destroy_registry=False)
    engine.dispose()


def waiting(workflow_id: str) -> None:
    with SetWorkflowID(workflow_id):
        DBOS.start_workflow(wait_for_ever)


def states() -> dict[str, str]:
    return {found.workflow_id: found.status for found in DBOS.list_workflows()}


def test_only_what_is_due_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    store = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=clock)
    payload = {"installation": {"id": 7}}
    store.keep_delivery(Delivery(delivery_id="d1", event="installation", action="created", payload=payload))
    forgotten: list[tuple[str, list[str]]] = []
    for tenant in ("7", "8"):
        store.uninstall(tenant)
        clock.time += timedelta(days=1)
    due = clock.time - timedelta(days=1)
    told = forget_uninstalled(store, before=due, forget=lambda who, of: forgotten.append((who, list(of))))
    assert (told, forgotten) == (["7"], [("7", ["d1"])])
    assert store.uninstalled_before(clock.time) == ["8"]
    store.close()


@pytest.mark.usefixtures("dbos")
def test_the_work_of_one_tenant_ends_from_within_a_handler() -> None:
    for workflow_id in ("run-7-a", "mend-7-fm-1", "run-77-a"):
        waiting(workflow_id)
    with SetWorkflowID("watch-d1"):
        DBOS.start_workflow(end_from_within, "7").get_result()
    assert states() == {
        "run-7-a": "CANCELLED",
        "mend-7-fm-1": "CANCELLED",
        "run-77-a": "PENDING",
        "watch-d1": "SUCCESS",
    }
    end_work("77")


@pytest.mark.usefixtures("dbos")
def test_forgotten_work_leaves_nothing() -> None:
    waiting("run-7-a")
    waiting("run-8-a")
    with SetWorkflowID("watch-d1"):
        DBOS.start_workflow(end_from_within, "9").get_result()
    forget_work("7", ["d1", "never-seen"])
    assert states() == {"run-8-a": "PENDING"}
    end_work("8")
