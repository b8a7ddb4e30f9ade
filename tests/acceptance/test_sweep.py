"""What GitHub could not deliver while the product was down is taken in afterwards."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import ForgeError
from bot.forge.github_app import GitHubApp
from bot.forge.hook_deliveries import HookDeliveries
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.sweep import sweep
from tests.emulator import contract
from tests.emulator.emulator import Emulator
from webhooks.clock import utc_now
from webhooks.redact import Redaction
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS

SINCE = utc_now() - timedelta(days=1)
N_ISSUES = 5


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator.start()
    for n in range(N_ISSUES):
        running.call("POST", f"/repos/{running.repository}/issues", {"title": f"Issue {n}"})
    yield running
    running.stop()


@pytest.fixture
def deliveries(emulator: Emulator) -> Iterator[HookDeliveries]:
    app = GitHubApp(str(emulator.app_id), emulator.private_key, api_url=emulator.url)
    yield app.hook_deliveries()
    app.close()
    emulator.fail()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(open_engine(f"sqlite:///{tmp_path / 'store.db'}"), now=utc_now)
    yield opened
    opened.close()


def test_missed_deliveries_are_kept_once_in_their_order(
    emulator: Emulator, deliveries: HookDeliveries, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.forge.hook_deliveries.PER_PAGE", 2)  # several pages

    kept = sweep(store, deliveries, since=SINCE)

    sent = emulator.deliveries("issues")
    assert len(sent) >= N_ISSUES
    assert [each for each in kept if each in {s["headers"]["x-github-delivery"] for s in sent}] == [
        each["headers"]["x-github-delivery"] for each in sent
    ]
    newest = store.delivery(sent[-1]["headers"]["x-github-delivery"])
    assert newest is not None
    assert (newest.event, newest.action) == ("issues", "opened")
    assert newest.payload["issue"]["title"] == f"Issue {N_ISSUES - 1}"
    assert set(kept) <= set(store.unhandled_deliveries())
    assert sweep(store, deliveries, since=SINCE) == []


def test_secrets_in_missed_deliveries_are_not_kept(
    emulator: Emulator, deliveries: HookDeliveries, store: Store
) -> None:
    token = "ghp_" + "a1B2" * 9
    emulator.call("POST", f"/repos/{emulator.repository}/issues", {"title": f"It says {token}"})
    redaction = Redaction(redactor=Redactor(SECRETS), master_key=b"a test")

    kept = [store.delivery(each) for each in sweep(store, deliveries, since=SINCE, redaction=redaction)]

    titles = [each.payload["issue"]["title"] for each in kept if each and each.event == "issues"]
    assert titles[-1].startswith("It says [redacted:github-token:")
    assert token not in str(kept)


def test_a_delivery_that_cannot_be_read_now_comes_with_the_next_sweep(
    emulator: Emulator, deliveries: HookDeliveries, store: Store
) -> None:
    emulator.fail({"match": r"GET /app/hook/deliveries/\d+$", "status": 502})

    first = sweep(store, deliveries, since=SINCE)

    second = sweep(store, deliveries, since=SINCE)
    assert len(second) == 1
    assert len({*first, *second}) == len(emulator.deliveries())


def test_what_is_older_is_not_asked_for(deliveries: HookDeliveries, store: Store) -> None:
    assert sweep(store, deliveries, since=utc_now() + timedelta(hours=1)) == []


def test_a_github_that_does_not_list_is_an_error(emulator: Emulator, deliveries: HookDeliveries, store: Store) -> None:
    emulator.fail({"match": "GET /app/hook/deliveries$", "status": 500})

    with pytest.raises(ForgeError, match="500"):
        sweep(store, deliveries, since=SINCE)


def test_the_emulator_answers_as_github_describes_it(
    emulator: Emulator, deliveries: HookDeliveries, store: Store
) -> None:
    sweep(store, deliveries, since=SINCE)

    found = contract.deviations_of_answers(emulator.log())

    ours = {operation: lacks for operation, lacks in found.items() if "/app/hook/deliveries" in operation}
    assert len(ours) == 2
    assert not any(ours.values()), ours
