"""While GitHub is away, what people ask for fails for good; when it is back, the running server does it, once."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from dbos import DBOS, _outcome
from dbos._dbos import _get_or_create_dbos_registry

from bot import beside
from bot.app import create_app
from bot.discretion import Discretions
from bot.pipeline import Pipeline, durable
from bot.stages import ProductStages
from bot.store.engine import open_engine
from tests.acceptance.github_loop import wait_for
from tests.acceptance.test_github_faults import World, emulator, new_store, world
from tests.unit.bot.recorded_product import OneVector
from webhooks.clock import utc_now

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

__all__ = ["emulator", "new_store", "world"]  # fixtures
#: Whatever the product asks; people can still comment.
EVERYTHING_ELSE = r"^(?!POST /repos/[^/]+/[^/]+/issues/\d+/comments$)"
AN_HOUR_S = 3600.0


class Clock:
    """The time of day, and what a test adds to it."""

    ahead = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@contextmanager
def serving(world: World, pipeline: Pipeline, clock: Clock) -> Iterator[str]:
    """Serve as `tracewright serve` does, and let GitHub deliver there; yield the address."""
    app = create_app(
        store=world.store,
        pipeline=pipeline,
        webhook_secret=world.emulator.webhook_secret,
        interval_s=AN_HOUR_S,
        now=clock,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started or not thread.is_alive())
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    world.emulator.send_webhooks_to(f"{url}/github/webhook")
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def pipeline(world: World, tmp_path: Path) -> Iterator[Pipeline]:
    app = world.app
    stages = ProductStages(
        store=world.store,
        forge_of=lambda tenant, repository: app.forge(repository, int(tenant)),
        encoder=OneVector(),
        sandbox=None,
        discretions=Discretions(on=True, master_key=b"master"),
        now=utc_now,
    )
    _get_or_create_dbos_registry().instance_info_map.clear()  # DBOS keeps the pipeline of another test
    engine = open_engine(f"sqlite:///{tmp_path}/work.db")
    with durable(stages, engine) as started:
        yield started
    engine.dispose()


@pytest.mark.parametrize("new_store", ["sqlite"], indirect=True)
def test_a_command_is_obeyed_when_github_is_back(
    world: World, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurried = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    monkeypatch.setattr(_outcome, "time", hurried)  # the pauses between the tries of one step
    monkeypatch.setattr(beside, "AGAIN_INTERVAL", timedelta(milliseconds=20))
    opened, clock = world.opened(), Clock()
    at = f"/repos/{world.emulator.repository}/issues/{opened.number}/comments"
    with serving(world, pipeline, clock):
        world.emulator.fail({"match": EVERYTHING_ELSE, "status": 502, "times": 10_000})
        world.emulator.call("POST", at, {"body": "/tracewright explain"})
        wait_for(lambda: bool(DBOS.list_workflows(status="ERROR")))
        (failed,) = DBOS.list_workflows(status="ERROR")
        assert world.store.unhandled_deliveries() == [failed.workflow_id.removeprefix("watch-")]
        world.emulator.fail()
        clock.ahead = timedelta(minutes=2)
        wait_for(lambda: not world.store.unhandled_deliveries())
    assert sum("**What is wrong**" in said for said in world.comments(opened.number)) == 1
    tried = [each.workflow_id for each in DBOS.list_workflows() if each.workflow_id.startswith(failed.workflow_id)]
    assert sorted(tried) == [failed.workflow_id, f"{failed.workflow_id}~1"]
