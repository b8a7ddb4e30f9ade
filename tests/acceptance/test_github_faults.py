"""GitHub's own faults: whatever it refuses, loses, repeats or mixes up, nothing is done twice and nothing is lost."""

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.discretion import Discretions
from bot.errand import Errand
from bot.errors import ForgeError
from bot.forge.forge import State
from bot.forge.github_app import GitHubApp
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.pull_request import PullRequest
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.submit import report, submit
from clustering.score import Traffic
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from tests.acceptance.installation import POSTGRES, databases
from tests.emulator.emulator import INSTALLATION_ID, Emulator
from tests.unit.bot.test_submit import EVIDENCE, MODE, PROPOSAL
from webhooks.clock import utc_now
from webhooks.github import Delivery

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TENANT = str(INSTALLATION_ID)
AGENT = "x = 1\n"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
#: What GitHub may answer to any request; with `after`, it has done the work and the answer is lost.
FAULTS: dict[str, dict[str, Any]] = {
    "secondary limit, 403": {"status": 403, "headers": {"retry-after": "1"}, "body": SECONDARY},
    "secondary limit, 429": {"status": 429, "headers": {"retry-after": "1"}, "body": SECONDARY},
    "server error": {"status": 502},
    "answer lost": {"status": 502, "after": True},
    "token expired": {"status": 401, "body": {"message": "Bad credentials"}},
    "unprocessable": {"status": 422, "body": {"message": "Validation Failed"}},
}
TRIES = 4


@dataclass(kw_only=True)
class World:
    """A store, a forge on the emulator, and fixes that are verified."""

    emulator: Emulator
    store: Store
    app: GitHubApp
    n_fixes: int = 0

    def means(self, started: list[Errand]) -> Means:
        return Means(
            store=self.store,
            forge_of=lambda tenant, repository: self.app.forge(repository, int(tenant)),
            now=utc_now,
            discretions=Discretions(on=True, master_key=b"master"),
            start=started.append,
            end_work=lambda _: None,
        )

    def handle(self, sent: dict[str, Any]) -> None:
        """Handle a delivery as a worker would."""
        payload = json.loads(sent["body"])
        told = Delivery(
            delivery_id=sent["headers"]["x-github-delivery"],
            event=sent["event"],
            action=sent["action"] or "",
            payload=payload,
        )
        handle(told, self.means([]))

    def fix(self) -> Proposal:
        """Return a verified fix that has no pull request yet."""
        self.n_fixes += 1
        base = self.app.forge(self.emulator.repository, INSTALLATION_ID).base()
        edit = Edit(path="agent.py", before=AGENT, after=f"x = {random.randint(2, 10**9)}\n")
        return replace(PROPOSAL, base_sha=base.sha, edits=(edit,))

    def publish(self, fix: Proposal) -> PullRequest:
        """Do all that a fix needs on GitHub, as a step of the pipeline that may be called again."""
        forge = self.app.forge(self.emulator.repository, INSTALLATION_ID)
        evidence = replace(EVIDENCE, proposal_id=fix.id)
        harness = Harness(name="shop")
        waited: list[float] = []
        opened = submit(
            fix,
            evidence,
            MODE,
            traffic=Traffic(n_traces=8, n_sessions=8, n_users=8),
            forge=forge,
            harness=harness,
            branch="main",
            bundle={"evidence.json": "{}"},
            wait=waited.append,
        )
        report(opened, fix, evidence, forge=forge, wait=waited.append)
        forge.keep_comment(opened, "answers", "An answer.")
        return opened

    def opened(self) -> PullRequest:
        """Return an open pull request that is in the store."""
        fix = self.fix()
        self.store.save_proposal(TENANT, fix)
        self.store.save_evidence(TENANT, replace(EVIDENCE, proposal_id=fix.id))
        opened = self.publish(fix)
        self.store.save_pull_request(TENANT, opened, proposal_id=fix.id, agent="shop")
        return opened

    def state(self, number: int) -> str:
        return next(
            each.pull_request.state for each in self.store.pull_requests(TENANT) if each.pull_request.number == number
        )

    def comments(self, number: int) -> list[str]:
        at = f"/repos/{self.emulator.repository}/issues/{number}/comments?per_page=100"
        return [comment["body"] for comment in self.emulator.call("GET", at)]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator.start()
    running.push({"agent.py": AGENT})
    yield running
    running.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    if request.param == "sqlite":
        yield lambda: Store(open_engine(f"sqlite:///{tmp_path}/t.db"), now=utc_now)
    elif POSTGRES:
        with databases() as new_database:
            yield lambda: Store(open_engine(new_database()), now=utc_now)
    else:
        pytest.skip("TRACEWRIGHT_TEST_POSTGRES is not set")


@pytest.fixture
def world(emulator: Emulator, new_store: Callable[[], Store]) -> Iterator[World]:
    app = app_of(emulator)
    store = new_store()
    store.connect_repository(TENANT, emulator.repository)
    store.save_modes(TENANT, [MODE], {})
    yield World(emulator=emulator, store=store, app=app)
    emulator.fail()
    app.close()
    store.close()


def app_of(emulator: Emulator) -> GitHubApp:
    return GitHubApp(str(emulator.app_id), emulator.private_key, api_url=emulator.url, seconds_between_writes=None)


def shape(entry: dict[str, Any]) -> str:
    """Return the pattern of a request: what differs from one fix to the next is left open."""
    path = re.sub(r"/tracewright/[^/]+", "/tracewright/[^/]+", re.sub(r"[0-9a-f]{40}", "[0-9a-f]{40}", entry["path"]))
    return f"^{entry['method']} {re.sub(r'/[0-9]+(?=/|$)', '/[0-9]+', path)}$"


@pytest.mark.parametrize("new_store", ["sqlite"], indirect=True)  # the forge alone is asked
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_request_fails_there_is_one_of_everything_in_the_end(world: World, fault: str) -> None:
    n_before = len(world.emulator.log())
    world.publish(world.fix())
    requests = sorted({shape(entry) for entry in world.emulator.log()[n_before:]})
    assert len(requests) > 12
    wrong = []
    for request in requests:
        fix, n_tries = world.fix(), 0
        world.emulator.fail({"match": request, **FAULTS[fault]})
        while n_tries < TRIES:  # as the pipeline would, hours later
            n_tries += 1
            try:
                world.publish(fix)
                break
            except ForgeError:
                continue
        world.emulator.fail()
        if (left := left_of(world, fix)) != {"pulls": 1, "checks": 1, "comments": 1, "labels": 1}:
            wrong.append((request, n_tries, left))
    assert wrong == []


def left_of(world: World, fix: Proposal) -> dict[str, int]:
    """Return how many of each there are on GitHub for a fix."""
    head = f"tracewright/{fix.id}"
    pulls = [pull for pull in world.emulator.pulls() if pull["head"]["ref"] == head]
    at = f"/repos/{world.emulator.repository}"
    runs = [world.emulator.call("GET", f"{at}/commits/{pull['head']['sha']}/check-runs") for pull in pulls]
    return {
        "pulls": len(pulls),
        "checks": sum(run["total_count"] for run in runs),
        "comments": sum(len(world.comments(pull["number"])) for pull in pulls),
        "labels": sum(len(pull["labels"]) for pull in pulls),
    }


@pytest.mark.parametrize("seed", range(3))
def test_deliveries_in_any_order_and_twice_end_as_github_stands(world: World, seed: int) -> None:
    opened = world.opened()
    at, n_before = f"/repos/{world.emulator.repository}", len(world.emulator.deliveries())
    words = {"body": "/tracewright explain"}
    world.emulator.call("POST", f"{at}/issues/{opened.number}/comments", words)
    for state in ("closed", "open", "closed"):
        world.emulator.call("PATCH", f"{at}/pulls/{opened.number}", {"state": state})
    sent = world.emulator.deliveries()[n_before:]
    assert [each["action"] for each in sent if each["event"] == "pull_request"] == ["closed", "reopened", "closed"]
    mixed = [*sent, *sent]
    random.Random(seed).shuffle(mixed)

    for delivery in mixed:
        world.handle(delivery)

    assert world.state(opened.number) == State.CLOSED
    said = world.comments(opened.number)
    assert sum("**What is wrong**" in each for each in said) == 1
    assert sum("- [ ] " in each for each in said) == 1
    assert len(world.store.refusals(TENANT)) == 1


def test_a_renamed_repository_is_followed_and_never_guessed(world: World) -> None:
    opened, before = world.opened(), world.emulator.repository
    world.emulator.rename("renamed")
    try:
        with closing(app_of(world.emulator)) as fresh, pytest.raises(ForgeError, match="422"):
            fresh.forge(before, INSTALLATION_ID).base()  # until GitHub tells it: no token for the former name
        (told,) = world.emulator.deliveries("repository")[-1:]
        world.handle(told)
        world.handle(told)
        assert world.store.repositories(TENANT) == ["acme/renamed"]
        kept = world.store.find_pull_request(TENANT, "acme/renamed", opened.number)
        assert kept is not None
        forge = world.app.forge(kept.pull_request.repository, INSTALLATION_ID)
        assert forge.pull_request_state(kept.pull_request) is State.OPEN
    finally:
        world.emulator.rename(before.split("/")[1])


def test_an_archived_repository_takes_nothing_and_is_left_alone(world: World) -> None:
    fix, n_before = world.fix(), len(world.emulator.pulls())
    world.emulator.archive()
    try:
        with pytest.raises(ForgeError, match="read-only"):
            world.publish(fix)
        world.handle(world.emulator.deliveries("repository")[-1])
        assert world.store.repositories(TENANT) == []
        assert len(world.emulator.pulls()) == n_before
    finally:
        world.emulator.archive(archived=False)
    world.handle(world.emulator.deliveries("repository")[-1])
    assert world.store.repositories(TENANT) == [world.emulator.repository]


def test_a_deleted_branch_is_an_error_with_a_name_and_is_not_made_again(world: World) -> None:
    opened = world.opened()
    ref = f"/repos/{world.emulator.repository}/git/refs/heads/{opened.head_branch}"
    world.emulator.call("DELETE", ref)
    forge = world.app.forge(world.emulator.repository, INSTALLATION_ID)
    with pytest.raises(ForgeError):
        forge.move_branch(opened, forge.base().sha, before=opened.head_sha)
    assert forge.find_pull_request(opened.head_branch) is not None
    found = world.emulator.call("GET", ref.replace("/refs/", "/matching-refs/"))
    assert found == []
