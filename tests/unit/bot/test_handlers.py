"""Which deliveries lead to what."""

from datetime import UTC, datetime

import pytest

from bot.errors import ForgeError
from bot.forge.forge import Forge
from bot.handlers import table
from bot.handlers.means import Handler, Means
from bot.store.engine import open_engine
from bot.store.store import Store
from tests.unit.bot.recorded_product import DISCRETIONS
from webhooks.github import Delivery

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def no_forge(tenant: str, repository: str) -> Forge:
    raise ForgeError(f"nothing to ask of {repository} for {tenant}")


@pytest.fixture
def means() -> Means:
    store = Store(open_engine("sqlite://"), now=lambda: NOW)
    return Means(
        store=store,
        forge_of=no_forge,
        now=lambda: NOW,
        discretions=DISCRETIONS,
        end_work=lambda _: None,
        start=lambda _: None,
    )


def delivery(event: str, action: str, **payload: object) -> Delivery:
    return Delivery(delivery_id="d1", event=event, action=action, payload={"action": action, **payload})


def test_every_handler_of_a_delivery_runs_in_order(means: Means, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    handlers: tuple[Handler, ...] = (lambda *_: ran.append("first"), lambda *_: ran.append("second"))
    monkeypatch.setattr(table, "HANDLERS", {("push", ""): handlers})
    table.handle(delivery("push", ""), means)
    assert ran == ["first", "second"]


def test_a_delivery_that_nobody_waits_for_changes_nothing(means: Means) -> None:
    table.handle(delivery("star", "created"), means)
    assert means.store.tenants() == []
