"""The look for deliveries that GitHub could not bring goes on, whatever fails once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from bot import beside
from bot.app import create_app
from bot.forge.hook_deliveries import Attempt, HookDeliveries
from bot.pipeline import Pipeline
from bot.store.engine import open_engine
from bot.store.store import Store
from webhooks.github import Delivery

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KNOWN = Delivery(delivery_id="d1", event="ping", action="", payload={})
HICCUP = sa.exc.OperationalError("SELECT", {}, Exception("database is locked"))
WITHIN_S = 10.0


class Hiccuping(Store):
    """A store that cannot be read once."""

    failures = 1

    def delivery(self, delivery_id: str) -> Delivery | None:
        if self.failures:
            self.failures -= 1
            raise HICCUP
        return super().delivery(delivery_id)


class Listed(HookDeliveries):
    """GitHub's list of one delivery; it knows since when it was asked."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []
        self.asked_thrice = threading.Event()

    def since(self, start: datetime) -> Iterator[Attempt]:
        self.asked.append(start)
        if len(self.asked) == 3:
            self.asked_thrice.set()
        yield Attempt(id=1, delivery_id=KNOWN.delivery_id, delivered_at=NOON)


def test_a_database_that_fails_once_does_not_end_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "INTERVAL", timedelta(milliseconds=1))
    store, listed = Hiccuping(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOON), Listed()
    store.keep_delivery(KNOWN)
    store.mark_handled(KNOWN.delivery_id)
    app = create_app(
        store=store,
        pipeline=cast("Pipeline", None),  # nothing is new
        webhook_secret=None,
        interval_s=0,
        now=lambda: NOON,
        deliveries=listed,
    )
    with TestClient(app):
        assert listed.asked_thrice.wait(WITHIN_S)
    store.close()
    failed, again, after = listed.asked[:3]
    assert failed == again == NOON - beside.REMEMBERED  # what the first look missed
    assert after == NOON - beside.OVERLAP


def test_a_delivery_that_could_not_be_started_is_started_with_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "INTERVAL", timedelta(milliseconds=1))
    store, listed, started = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOON), Listed(), []
    is_started = threading.Event()

    def start(_: Pipeline, delivery_id: str) -> None:
        started.append(delivery_id)
        if len(started) == 1:
            raise HICCUP
        is_started.set()

    monkeypatch.setattr(beside, "start_watch", start)
    monkeypatch.setattr(Listed, "read", lambda *_: KNOWN)
    app = create_app(
        store=store,
        pipeline=cast("Pipeline", None),  # its work is not started here
        webhook_secret=None,
        interval_s=0,
        now=lambda: NOON,
        deliveries=listed,
    )
    with TestClient(app):
        assert is_started.wait(WITHIN_S)
    assert store.unhandled_deliveries() == [KNOWN.delivery_id]
    store.close()
    assert set(started) == {KNOWN.delivery_id}
