"""What production says of a merged fix, and where it is said."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.forge.forge import Base, Draft, State
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.outcome import Decision, Outcome
from bot.predicted import expected_rate
from bot.proof import Basis, Proof
from bot.prove import prove
from bot.pull_request import PullRequest
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.failure import Failure
from clustering.failure_mode import Status
from fixers.aftermath import Answer, Exposure
from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.expected import expect
from tests.unit.bot.recorded_product import DISCRETIONS
from tests.unit.bot.test_submit import EVIDENCE, MODE, PROPOSAL
from webhooks.github import Delivery
from webhooks.inbox import Batch
from webhooks.searched import rows_of
from webhooks.trace import Span, Trace

MERGED_AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TENANT, MERGE = "42", "a" * 40
PULL = PullRequest(
    repository="acme/shop",
    number=7,
    head_branch=f"tracewright/{PROPOSAL.id}",
    head_sha="1" * 40,
    url="u",
    title="t",
    state="merged",
)


@dataclass
class FakeForge:
    """Knows which commits follow the merge; remembers what was said."""

    repository: str = "acme/shop"
    followers: set[str] = field(default_factory=lambda: {MERGE})
    comments: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)
    opened: list[Draft] = field(default_factory=list)

    def base(self) -> Base:
        return Base(branch="main", sha="e" * 40)

    def read_file(self, path: str, _: str) -> str | None:
        return self.files.get(path)

    def open_pull_request(self, draft: Draft) -> PullRequest:
        self.opened.append(draft)
        url = "https://github.com/acme/shop/pull/8"
        return replace(PULL, number=8, head_branch=draft.head_branch, url=url, state="open")

    def pull_request_state(self, _: PullRequest) -> State:
        return State.OPEN

    def merge_sha(self, _: PullRequest) -> str:
        return MERGE

    def contains(self, sha: str, ancestor: str) -> bool:
        assert ancestor == MERGE
        return sha in self.followers

    def is_public(self) -> bool:
        return False

    def keep_comment(self, _: PullRequest, marker: str, text: str) -> None:
        self.comments[marker] = text

    def comment_once(self, _: PullRequest, marker: str, text: str) -> None:
        self.comments.setdefault(marker, text)


@dataclass
class World:
    """A merged fix, and the traffic around the merge."""

    store: Store
    forge: FakeForge = field(default_factory=FakeForge)
    members: list[tuple[str, str, str]] = field(default_factory=list)
    n_runs: int = 0

    def ran(self, n: int, *, failed: int, at: timedelta, release: str = "", kind: str = "chat") -> None:
        """Let `n` runs happen so long after the merge; the first of them fail."""
        for number in range(n):
            self.n_runs += 1
            trace_id = f"t{self.n_runs}"
            resource = {"service.name": "shop"} | ({"service.version": release} if release else {})
            start = MERGED_AT + at
            span = Span(trace_id=trace_id, span_id="s", name=kind, start=start, end=start, resource=resource)
            trace = Trace.from_spans([span])
            body = trace_id.encode()
            self.store.keep_batch(TENANT, Batch(dialect="fake", body=body, rows=rows_of(trace.spans)))
            self.store.save_examined(TENANT, trace, [failure(trace_id, at, release)] if number < failed else [])
            self.members += [(trace_id, "s", MODE.detector)] if number < failed else []
        self.store.save_modes(TENANT, [MODE], {MODE.id: self.members})

    def deploy(self, sha: str, *, at: timedelta, environment: str = "production", state: str = "success") -> None:
        status = {"state": state, "created_at": (MERGED_AT + at).isoformat()}
        payload = {
            "action": "created",
            "installation": {"id": 42},
            "repository": {"full_name": "acme/shop"},
            "deployment": {"sha": sha, "environment": environment},
            "deployment_status": status,
        }
        means = Means(
            store=self.store,
            forge_of=lambda *_: self.forge,  # type: ignore[arg-type,return-value]  # the methods that are used
            now=lambda: MERGED_AT,
            end_work=lambda _: None,
            discretions=DISCRETIONS,
            start=lambda _: None,
        )
        handle(
            Delivery(delivery_id=f"{sha}{at}", event="deployment_status", action="created", payload=payload),
            means,
        )

    def prove(self, *, at: timedelta) -> Proof:
        prove(
            self.store,
            TENANT,
            lambda *_: self.forge,
            now=MERGED_AT + at,
            shown=DISCRETIONS.of(TENANT),  # type: ignore[arg-type,return-value]
        )
        return self.store.proofs(TENANT)[PROPOSAL.id]


def failure(trace_id: str, at: timedelta, release: str = "") -> Failure:
    return Failure(
        trace_id=trace_id,
        span_id="s",
        detector=MODE.detector,
        key=MODE.key,
        message="m",
        reason="r",
        occurred_at=MERGED_AT + at,
        service="shop",
        release=release or None,
    )


@pytest.fixture
def world() -> Iterator[World]:
    store = Store(open_engine("sqlite://"), now=lambda: MERGED_AT)
    store.connect_repository(TENANT, "acme/shop")
    store.save_modes(TENANT, [MODE], {})
    store.save_proposal(TENANT, PROPOSAL)
    store.save_evidence(TENANT, EVIDENCE)
    store.save_pull_request(TENANT, PULL, proposal_id=PROPOSAL.id)
    merged = Outcome(
        delivery_id="d",
        proposal_id=PROPOSAL.id,
        decision=Decision.MERGED,
        actor="ada",
        words="",
        decided_at=MERGED_AT,
    )
    store.record_outcome(TENANT, merged)
    yield World(store)
    store.close()


def test_a_fix_is_proved_by_the_releases_that_hold_it(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR, release="b" * 40)
    world.ran(20, failed=10, at=HOUR, release="b" * 40)  # still running somewhere
    world.ran(30, failed=0, at=HOUR, release=MERGE)
    proof = world.prove(at=2 * HOUR)
    assert (proof.answer, proof.basis) == (Answer.FIXED, Basis.RELEASE)
    assert (proof.before.n_runs, proof.before.n_of_mode, proof.after.n_runs) == (60, 30, 30)
    assert "In production: fixed" in world.forge.comments["aftermath"]
    assert "| 30 of 60 (" in world.forge.comments["aftermath"]
    assert world.store.failure_modes(TENANT)[0].status is Status.RESOLVED


def test_a_release_that_does_not_follow_the_merge_counts_as_without_the_fix(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR, release="b" * 40)
    world.ran(40, failed=20, at=HOUR, release="c" * 40)
    proof = world.prove(at=2 * HOUR)
    assert (proof.answer, proof.before.n_runs, proof.after.n_runs) == (Answer.TOO_LITTLE, 80, 0)
    assert world.forge.comments == {}


def test_a_new_version_after_the_deployment_has_the_fix(world: World) -> None:
    world.deploy(MERGE, at=2 * HOUR)
    world.ran(40, failed=20, at=-HOUR, release="1.0")
    world.ran(40, failed=20, at=HOUR, release="1.1")  # built before the merge, seen after it
    world.ran(40, failed=20, at=3 * HOUR, release="1.2")
    proof = world.prove(at=4 * HOUR)
    assert (proof.answer, proof.before.n_runs, proof.after.n_runs) == (Answer.NOT_FIXED, 80, 40)
    assert world.store.failure_modes(TENANT)[0].status is MODE.status


def test_without_releases_the_deployment_parts_the_runs(world: World) -> None:
    world.deploy("d" * 40, at=-2 * HOUR)
    world.ran(40, failed=20, at=-HOUR)
    world.ran(40, failed=20, at=HOUR)
    assert world.prove(at=2 * HOUR).basis is Basis.NOT_DEPLOYED
    world.deploy(MERGE, at=3 * HOUR, state="failure")
    world.deploy(MERGE, at=4 * HOUR, environment="staging")
    assert world.prove(at=5 * HOUR).basis is Basis.NOT_DEPLOYED
    world.deploy(MERGE, at=5 * HOUR)
    world.ran(40, failed=0, at=6 * HOUR)
    proof = world.prove(at=7 * HOUR)
    assert (proof.answer, proof.basis, proof.before.n_runs) == (Answer.FIXED, Basis.DEPLOYMENT, 80)


def test_without_anything_else_the_time_of_the_merge_parts_the_runs_and_says_so(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR, release="1.0")
    world.ran(40, failed=0, at=HOUR, release="1.0")
    proof = world.prove(at=2 * HOUR)
    assert (proof.answer, proof.basis) == (Answer.FIXED, Basis.MERGE)
    assert "parted by the time of merge" in world.forge.comments["aftermath"]


def test_runs_of_another_kind_do_not_thin_out_the_failures(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR)
    world.ran(400, failed=0, at=HOUR, kind="health check")
    assert world.prove(at=2 * HOUR).after.n_runs == 0


def test_failures_of_other_kinds_make_it_worse(world: World) -> None:
    world.ran(40, failed=10, at=-HOUR)
    world.ran(40, failed=38, at=HOUR)
    assert world.prove(at=2 * HOUR).answer is Answer.WORSE
    assert "In production: worse" in world.forge.comments["aftermath"]


def test_the_last_word_is_said_after_14_days_and_nothing_after_it(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR)
    assert world.prove(at=timedelta(days=13)).is_final is False
    assert world.forge.comments == {}
    final = world.prove(at=timedelta(days=14))
    assert (final.is_final, final.answer) == (True, Answer.TOO_LITTLE)
    assert list(world.forge.comments) == ["aftermath-last"]
    world.ran(40, failed=0, at=HOUR)
    assert world.prove(at=timedelta(days=15)) == final


def test_what_came_back_is_told_once_with_what_is_different(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR, release="1.0")
    world.ran(40, failed=0, at=HOUR, release="1.1")
    assert world.prove(at=2 * HOUR).answer is Answer.FIXED
    world.ran(40, failed=10, at=3 * HOUR, release="1.2 <!-- -->")
    world.store.set_status(TENANT, MODE.id, Status.REGRESSED)  # as grouping does
    assert world.prove(at=4 * HOUR).came_back_at == MERGED_AT + 4 * HOUR
    told = world.forge.comments["answers"]
    assert "*regressed*" in told
    assert "in 10 of 10 failing runs now, in 0 of 20 before" in told
    assert "in 0 of 10 failing runs now, in 20 of 20 before" in told
    assert "<!-- -->" not in told
    assert world.prove(at=5 * HOUR).came_back_at == MERGED_AT + 4 * HOUR


def test_the_rate_after_a_merge_is_foretold_from_traffic_and_trial(world: World) -> None:
    world.ran(40, failed=20, at=-HOUR)
    world.ran(400, failed=0, at=-HOUR, kind="health check")
    world.ran(10, failed=10, at=-15 * 24 * HOUR)
    outcomes = {"a": [Result.PASSED], "b": [Result.FAILED, Result.PASSED], "c": [Result.FAILED], "d": []}
    cases = [
        CaseResult(trace_id=trace_id, role=Role.FAILING, arm=arm, result=result)
        for trace_id, results in outcomes.items()
        for arm, tried in ((Arm.AFTER, [*results, Result.INCONCLUSIVE]), (Arm.BEFORE, [Result.FAILED]))
        for result in tried
    ]
    evidence = replace(EVIDENCE, cases=tuple(cases))
    found = expected_rate(world.store, TENANT, MODE, service="shop", evidence=evidence)
    assert found is not None
    assert (found.before.n_runs, found.before.n_of_mode, found.n_replayed, found.n_unmended) == (40, 20, 3, 2)


@pytest.mark.parametrize(("failed", "where"), [(0, "inside"), (20, "outside")])
def test_the_rate_that_was_foretold_is_held_against_the_one_that_came(world: World, failed: int, where: str) -> None:
    foretold = expect(Exposure(n_runs=400, n_of_mode=200), n_replayed=20, n_unmended=0)
    world.store.save_evidence(TENANT, replace(EVIDENCE, expected=foretold))
    world.ran(40, failed=30, at=-HOUR)
    world.ran(40, failed=failed, at=HOUR)
    proof = world.prove(at=15 * 24 * HOUR)
    assert proof.is_as_expected is (where == "inside")
    assert f"a rate of 0.0% to 11.0% with the fix: it lies {where}." in world.forge.comments["aftermath-last"]


def test_a_rate_that_nobody_foretold_is_not_held_against_anything(world: World) -> None:
    world.ran(40, failed=30, at=-HOUR)
    world.ran(40, failed=0, at=HOUR)
    assert world.prove(at=2 * HOUR).is_as_expected is None
    assert "foretold a rate" not in world.forge.comments["aftermath"]
