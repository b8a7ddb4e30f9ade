"""The buttons of the check run do what they say, for those who may write to the repository."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from bot.checks import EXPLAIN, IGNORE, NAME, RERUN
from bot.errand import Errand, Kind
from bot.forge.forge import Base, Commit, State
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.outcome import Decision
from bot.pull_request import PullRequest
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.failure_mode import Status
from tests.unit.bot.recorded_product import DISCRETIONS
from tests.unit.bot.test_submit import EVIDENCE, MODE, PROPOSAL
from webhooks.github import Delivery

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TENANT = "42"
PULL = PullRequest(
    repository="acme/shop", number=7, head_branch=f"tracewright/{PROPOSAL.id}", head_sha="1" * 40, url="u", title="t"
)
OURS = Commit(sha=PULL.head_sha, author="bot@x", committer="noreply@github.com")


@dataclass
class FakeForge:
    """Knows who may write; remembers what it is asked to do."""

    found: list[Commit] = field(default_factory=lambda: [OURS])
    comments: dict[str, list[str]] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    state: State = State.OPEN

    def may_write(self, login: str) -> bool:
        return login == "ada"

    def commits(self, _: PullRequest) -> list[Commit]:
        return self.found

    def changed_paths(self, _: int) -> list[str]:
        return []

    def is_public(self) -> bool:
        return False

    def keep_comment(self, _: PullRequest, marker: str, text: str) -> None:
        self.comments[marker] = [text]

    def comment_once(self, _: PullRequest, marker: str, text: str) -> None:
        self.comments.setdefault(marker, []).append(text)

    def pull_request_state(self, _: PullRequest) -> State:
        return self.state

    def base(self) -> Base:
        return Base(branch="main", sha="b" * 40)

    def acknowledge(self, _: PullRequest, comment_id: int) -> None:
        self.acknowledged.append(comment_id)

    def close(self, pull_request: PullRequest) -> None:
        self.closed.append(pull_request.number)


@dataclass
class World:
    """A pull request of ours, and what was asked of its forge."""

    store: Store
    forge: FakeForge = field(default_factory=FakeForge)
    started: list[Errand] = field(default_factory=list)

    def tell(self, event: str, action: str, *, by: str = "ada", kind: str = "User", **payload: object) -> None:
        means = Means(
            store=self.store,
            forge_of=lambda *_: self.forge,  # type: ignore[arg-type,return-value]  # the methods that are used
            now=lambda: NOW,
            discretions=DISCRETIONS,
            end_work=lambda _: None,
            start=self.started.append,
        )
        body = {"action": action, "installation": {"id": 42}, "sender": {"login": by, "type": kind}, **payload}
        body["repository"] = {"full_name": "acme/shop"}
        handle(Delivery(delivery_id=f"{event}-{action}", event=event, action=action, payload=body), means)

    def press(self, button: str, *, by: str = "ada", external_id: str = f"{PULL.head_branch}/{NAME}") -> None:
        run = {"external_id": external_id}
        self.tell("check_run", "requested_action", by=by, check_run=run, requested_action={"identifier": button})

    def status(self) -> Status:
        (mode,) = self.store.failure_modes(TENANT)
        return mode.status


@pytest.fixture
def world() -> World:
    store = Store(open_engine("sqlite://"), now=lambda: NOW)
    store.connect_repository(TENANT, "acme/shop")
    store.save_modes(TENANT, [MODE], {})
    store.save_proposal(TENANT, PROPOSAL)
    store.save_evidence(TENANT, EVIDENCE)
    store.save_pull_request(TENANT, PULL, proposal_id=PROPOSAL.id)
    return World(store)


def test_rerun_gathers_the_evidence_again(world: World) -> None:
    world.press(RERUN)
    world.tell("check_run", "rerequested", check_run={"external_id": f"{PULL.head_branch}/{NAME}"})
    world.tell("check_suite", "rerequested", check_suite={"head_branch": PULL.head_branch})
    assert world.started == [Errand(Kind.REEXAMINE, TENANT, PROPOSAL.id)] * 3


def test_explain_keeps_one_comment_with_the_diagnosis(world: World) -> None:
    world.press(EXPLAIN)
    world.press(EXPLAIN)
    (told,) = world.forge.comments["answers"]
    assert PROPOSAL.diagnosis.cause in told
    assert PROPOSAL.rationale in told


def test_ignore_leaves_the_failure_mode_alone_and_closes(world: World) -> None:
    world.press(IGNORE)
    assert world.status() is Status.ARCHIVED
    assert world.forge.closed == [7]
    assert "ada asked me to ignore" in world.forge.comments["answers"][0]
    (outcome,) = world.store.outcomes_of_mode(TENANT, "fm7")
    assert (outcome.decision, outcome.actor) == (Decision.REFUSED, "ada")


@pytest.mark.parametrize("button", [RERUN, EXPLAIN, IGNORE])
def test_who_may_not_write_is_not_obeyed(world: World, button: str) -> None:
    world.press(button, by="mallory")
    assert (world.started, world.forge.comments, world.forge.closed) == ([], {}, [])
    assert world.status() is Status.NEW


@pytest.mark.parametrize("external_id", ["", "tracewright/other/" + NAME, f"{PULL.head_branch}/Other check"])
def test_a_check_that_is_not_ours_is_left_alone(world: World, external_id: str) -> None:
    world.press(IGNORE, external_id=external_id)
    assert world.forge.closed == []


def test_a_pull_request_that_ended_is_not_examined_again(world: World) -> None:
    world.store.set_pull_request_state(TENANT, PULL, "merged")
    world.press(RERUN)
    assert world.started == []


def test_other_peoples_commits_are_noticed_once(world: World) -> None:
    world.tell("pull_request", "synchronize", number=7)
    assert world.forge.comments == {}
    world.forge.found.append(replace(OURS, sha="2" * 40, author="ada@x"))
    world.tell("pull_request", "synchronize", number=7)
    (told,) = world.forge.comments["answers"]
    assert "it is yours now" in told
