"""Tenants and their repositories come and go as GitHub says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ForgeError
from bot.forge.forge import Forge
from bot.handlers.means import Means
from bot.handlers.table import HANDLERS, handle
from bot.store.engine import open_engine
from bot.store.store import Store
from tests.unit.bot.recorded_product import DISCRETIONS
from webhooks.github import Delivery

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
EXAMPLES = Path(__file__).parents[3] / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
SHOP = {"id": 5, "name": "shop", "full_name": "acme/shop", "private": True}
BOOKS = {"id": 6, "name": "books", "full_name": "acme/books", "private": False}


@dataclass
class World:
    """A store, and the tenants whose work was ended."""

    store: Store
    ended: list[str] = field(default_factory=list)

    def tell(self, event: str, action: str, *, at: str = "2026-11-02T12:00:00Z", **payload: Any) -> None:  # noqa: ANN401 - JSON
        installation = {"id": 42, "updated_at": at, "account": {"id": 21, "login": "acme"}}
        body = {"action": action, "installation": installation, **payload}
        self.handle(Delivery(delivery_id="d", event=event, action=action, payload=body))

    def handle(self, delivery: Delivery) -> None:
        def no_forge(tenant: str, repository: str) -> Forge:
            raise ForgeError(f"no forge of {repository} for {tenant}")

        means = Means(
            store=self.store,
            forge_of=no_forge,
            now=lambda: NOW,
            discretions=DISCRETIONS,
            end_work=self.ended.append,
            start=lambda _: None,
        )
        handle(delivery, means)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=lambda: NOW)
    yield World(store)
    store.close()


def test_an_installation_brings_its_repositories(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP, BOOKS])
    assert world.store.tenants() == ["42"]
    assert world.store.repositories("42") == ["acme/books", "acme/shop"]
    assert [world.store.is_private("42", name) for name in ("acme/shop", "acme/books")] == [True, False]


def test_an_uninstalled_app_stops_at_once(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    key = world.store.create_key("42")
    world.tell("installation", "deleted", repositories=[SHOP])
    assert (world.store.tenants(), world.store.repositories("42"), world.store.tenant_of(key)) == ([], [], None)
    assert world.ended == ["42"]


def test_an_installation_that_came_after_its_end_stays_gone(world: World) -> None:
    world.tell("installation", "deleted")
    world.tell("installation", "created", repositories=[SHOP])
    assert world.store.tenants() == []


def test_a_suspended_installation_rests_and_still_takes_traces(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    key = world.store.create_key("42")
    world.tell("installation", "suspend", at="2026-11-02T13:00:00Z")
    assert (world.store.tenants(), world.store.repositories("42"), world.ended) == ([], [], ["42"])
    assert world.store.tenant_of(key) == "42"
    world.tell("installation", "unsuspend", at="2026-11-02T14:00:00Z")
    world.tell("installation", "suspend", at="2026-11-02T13:00:00Z")  # late
    assert world.store.repositories("42") == ["acme/shop"]


def test_repositories_are_selected_and_left(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    later = "2026-11-02T13:00:00Z"
    world.tell("installation_repositories", "added", at=later, repositories_added=[BOOKS], repositories_removed=[])
    world.tell("installation_repositories", "removed", at=later, repositories_added=[], repositories_removed=[SHOP])
    world.tell("installation", "created", repositories=[SHOP])  # late
    assert world.store.repositories("42") == ["acme/books"]


def test_a_repository_is_followed_to_its_new_name(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    renamed = {**SHOP, "full_name": "acme/store"}
    world.tell("repository", "renamed", repository=renamed, changes={"repository": {"name": {"from": "shop"}}})
    assert world.store.repositories("42") == ["acme/store"]
    moved = {**SHOP, "full_name": "zenith/store"}
    owner = {"owner": {"from": {"organization": {"login": "acme"}}}}
    world.tell("repository", "transferred", repository=moved, changes=owner)
    assert world.store.repositories("42") == ["zenith/store"]


@pytest.mark.parametrize("action", ["archived", "deleted"])
def test_an_archived_or_deleted_repository_is_left_alone(world: World, action: str) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    world.tell("repository", action, repository=SHOP)
    assert world.store.repositories("42") == []


def test_an_unarchived_repository_is_worked_on_again(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    world.tell("repository", "archived", repository=SHOP)
    world.tell("repository", "unarchived", repository={**SHOP, "full_name": "Acme/Shop"})
    assert world.store.repositories("42") == ["acme/shop"]


def test_it_is_known_whether_a_repository_is_public(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    world.tell("repository", "publicized", repository={**SHOP, "private": False})
    assert world.store.is_private("42", "acme/shop") is False
    world.tell("repository", "privatized", repository=SHOP)
    assert world.store.is_private("42", "acme/shop") is True


def test_a_repository_that_was_never_connected_stays_unknown(world: World) -> None:
    world.tell("installation", "created", repositories=[SHOP])
    world.tell("repository", "unarchived", repository=BOOKS)
    assert world.store.repositories("42") == ["acme/shop"]


def test_every_example_of_an_event_that_we_take_is_handled_twice(world: World) -> None:
    taken = {event for event, _ in HANDLERS}
    found = [(each["name"], payload) for each in json.loads(EXAMPLES.read_text()) for payload in each["examples"]]
    examples = [
        Delivery(delivery_id=f"e{number}", event=event, action=payload.get("action", ""), payload=payload)
        for number, (event, payload) in enumerate(found)
        if event in taken
    ]
    assert {delivery.event for delivery in examples} == taken
    for delivery in [*examples, *examples]:
        world.handle(delivery)
    assert world.store.repositories("2") == []  # uninstalled in the end
    assert world.store.repositories("957387") == ["Codertocat/Hello-World", "Codertocat/Space"]
