"""No route and nothing that runs beside them blocks the event loop: databases, GitHub and DBOS are asked in threads."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from inspect import iscoroutinefunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from bot import app as application
from bot import beside
from bot.forge.hook_deliveries import Attempt, HookDeliveries
from bot.pipeline import Pipeline
from bot.store.engine import open_engine
from bot.store.store import Store
from tests.unit.bot.attacked import NOON, Sent, receiving
from tests.unit.bot.payloads import seeds

#: What keeps a thread waiting, as Python's audit events call it.
BLOCKING = frozenset({"socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen"})
#: Answers from memory.
HEALTH = Sent("GET", "/healthz", {}, b"")
WITHIN_S = 10.0
LISTENING: list[Callable[[str], None]] = []


def hear(event: str, _: tuple[Any, ...]) -> None:
    for told in LISTENING if event in BLOCKING else ():
        told(event)


sys.addaudithook(hear)  # for ever: there is no way to take one away


@pytest.fixture
def blocked() -> Iterator[list[str]]:
    """What was done in a thread whose event loop waited for it."""
    found: list[str] = []

    def note(what: str) -> None:
        if in_loop():
            found.append(what)

    LISTENING.append(note)
    yield found
    LISTENING.remove(note)


def in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def watch_queries(store: Store, blocked: list[str]) -> None:
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if in_loop():
            blocked.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)


def test_no_route_blocks_the_loop(tmp_path: Path, blocked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(tmp_path) as receiver:
        watch_queries(receiver.store, blocked)
        started: list[bool] = []
        monkeypatch.setattr(application, "start_watch", lambda *_: started.append(in_loop()))
        called = {(sent.path, receiver.send(sent)[0] // 100) for sent in [*seeds(), HEALTH]}
        routes = {
            route.path
            for route in receiver.app.routes
            if isinstance(route, APIRoute) and iscoroutinefunction(route.endpoint)
        }
    assert {path for path in routes if (concrete(path, called), 2) not in called} == set()
    assert (blocked, set(started)) == ([], {False})


def concrete(path: str, called: set[tuple[str, int]]) -> str:
    """Return the address that was called for a route, whose parameters are in braces."""
    start = path.partition("{")[0]
    return next(
        (address for address, _ in called if address == path or ("{" in path and address.startswith(start))), ""
    )


@pytest.mark.parametrize("name", ["database", "network"])
def test_a_route_that_blocks_is_seen(tmp_path: Path, blocked: list[str], name: str) -> None:
    with receiving(tmp_path) as receiver:
        watch_queries(receiver.store, blocked)

        @receiver.app.get("/blocking")
        async def blocking() -> int:
            if name == "network":
                socket.getaddrinfo("127.0.0.1", 1)
            return len(receiver.store.tenants()) if name == "database" else 0

        assert receiver.send(Sent("GET", "/blocking", {}, b""))[0] == 200
    assert blocked


class Listed(HookDeliveries):
    """GitHub's list of deliveries, which is empty."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.note = note

    def since(self, start: datetime) -> Iterator[Attempt]:
        assert start
        self.note("sweep")
        yield from ()


def test_nothing_beside_the_routes_blocks_the_loop(
    tmp_path: Path, blocked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOON)
    watch_queries(store, blocked)
    store.create_key("7")
    done: dict[str, bool] = {}
    all_done = threading.Event()

    def note(what: str) -> None:
        done[what] = done.get(what, False) or in_loop()
        if len(done) == len(BESIDE):
            all_done.set()

    started = SimpleNamespace(get_result=lambda **_: note("result"))
    monkeypatch.setattr(beside, "start_run", lambda *_, **__: note("run") or started)
    monkeypatch.setattr(beside, "try_again", lambda *_, **__: note("again"))
    monkeypatch.setattr(beside, "forget_uninstalled", lambda *_, **__: note("forget"))
    monkeypatch.setattr(beside, "AGAIN_INTERVAL", timedelta(milliseconds=1))
    app = application.create_app(
        store=store,
        pipeline=cast("Pipeline", None),  # only what is replaced above uses it
        webhook_secret=None,
        interval_s=0.001,
        now=lambda: NOON,
        deliveries=Listed(note),
        tidy=lambda _: note("tidy"),
    )

    async def live() -> None:
        async with app.router.lifespan_context(app):
            assert await asyncio.to_thread(all_done.wait, WITHIN_S), done

    asyncio.run(live())
    store.close()
    assert (done, blocked) == (dict.fromkeys(BESIDE, False), [])


BESIDE = ("run", "result", "again", "forget", "sweep", "tidy")
