"""A forge that is away for a moment is asked again; one that says no is not."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bot.forge.errors import Denied, ForgeError, RateLimited, Unavailable
from bot.forge.forge import Draft
from bot.forge.local import LocalForge
from bot.pull_request import PullRequest
from bot.submit import PAUSES_S, report, submit
from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic
from fixers.diagnosis import Diagnosis, Layer
from fixers.evidence import Evidence, Verdict
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from tests.unit.bot.recorded_product import git, make_repository

PROPOSAL = Proposal(
    failure_mode_id="fm7",
    base_sha="c0ffee" * 6 + "c0ff",
    diagnosis=Diagnosis(failure_mode_id="fm7", cause="It gives up.", layer=Layer.LIFECYCLE, location=None, quotes=()),
    author="recipe:retry",
    title="Retry the call",
    rationale="Waiting lets the same request succeed.",
    edits=(Edit(path="agent.py", before="x = 1\n", after="x = 2\n"),),
    regression_test="tests/test_retry.py",
    risk="None is known.",
    predicted_fixes=(),
    at_risk=(),
    tokens=0,
)
EVIDENCE = Evidence(proposal_id=PROPOSAL.id, verdict=Verdict.VERIFIED, reason="It holds.", isolation="bubblewrap")
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MODE = FailureMode(
    id="fm7",
    title="RateLimitError",
    status=Status.NEW,
    detector="error",
    key="RateLimitError",
    centroid=np.zeros(2, np.float32),
    exemplars=(),
    n_traces=8,
    n_sessions=8,
    n_users=8,
    first_seen=NOON,
    last_seen=NOON,
)


class FakeForge:
    """Answers with the given errors, one for each call, then does what it is asked."""

    def __init__(self, *errors: ForgeError) -> None:
        self.errors = list(errors)
        self.drafts: list[Draft] = []
        self.checks: list[str] = []
        self.waited: list[float] = []

    def open_pull_request(self, draft: Draft) -> PullRequest:
        self._fail()
        self.drafts.append(draft)
        return PullRequest(
            repository="acme/shop", number=1, head_branch=draft.head_branch, head_sha="f" * 40, url="u", title="t"
        )

    def is_public(self) -> bool:
        return False

    def link(self, path: str, sha: str, *, line: int, last: int | None = None) -> str | None:
        return f"https://github.com/acme/shop/blob/{sha}/{path}#L{line}-L{last}"

    def report_check(self, _: PullRequest, *, name: str, **__: object) -> None:
        self._fail()
        self.checks.append(name)

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


def submit_to(forge: FakeForge, *, evidence: Evidence = EVIDENCE) -> PullRequest:
    return submit(
        PROPOSAL,
        evidence,
        MODE,
        traffic=Traffic(n_traces=8, n_sessions=8, n_users=8),
        forge=forge,  # type: ignore[arg-type]  # the two methods that are used
        harness=Harness(name="shop"),
        branch="main",
        wait=forge.waited.append,
    )


@pytest.mark.parametrize(
    ("errors", "waited"),
    [
        ([], []),
        ([Unavailable("502")], [PAUSES_S[0]]),
        ([Unavailable("502"), Unavailable("no answer")], list(PAUSES_S[:2])),
        ([RateLimited("secondary limit", retry_after_s=60)], [60]),
        ([RateLimited("now is fine", retry_after_s=0)], [PAUSES_S[0]]),
    ],
)
def test_a_forge_that_is_away_for_a_moment_is_asked_again(
    errors: Sequence[ForgeError], waited: Sequence[float]
) -> None:
    forge = FakeForge(*errors)
    assert submit_to(forge).head_branch == f"tracewright/{PROPOSAL.id}"
    assert forge.waited == waited
    assert len(forge.drafts) == 1


@pytest.mark.parametrize(
    ("errors", "waited"),
    [
        ([Unavailable("502")] * 9, list(PAUSES_S)),
        ([RateLimited("the hour is used up", retry_after_s=1800)], []),
        ([Denied("no permission")], []),
    ],
)
def test_one_that_stays_away_or_refuses_is_left_alone(errors: Sequence[ForgeError], waited: Sequence[float]) -> None:
    forge = FakeForge(*errors)
    with pytest.raises(type(errors[0])):
        submit_to(forge)
    assert (forge.waited, forge.drafts) == (waited, [])


def test_the_check_is_reported_with_the_same_patience() -> None:
    forge = FakeForge()
    opened = submit_to(forge)
    forge.errors = [Unavailable("502")]
    report(opened, PROPOSAL, EVIDENCE, forge=forge, wait=forge.waited.append)  # type: ignore[arg-type]  # as above
    assert (forge.checks, forge.waited) == (["Tracewright evidence"], [PAUSES_S[0]])


def test_what_is_not_verified_never_reaches_the_forge() -> None:
    forge = FakeForge()
    unverified = Evidence(proposal_id=PROPOSAL.id, verdict=Verdict.TOO_NOISY, reason="p = 0.2", isolation="bubblewrap")
    with pytest.raises(ValueError, match="not verified"):
        submit_to(forge, evidence=unverified)
    assert forge.drafts == []


def test_a_title_that_names_people_or_issues_passes_the_gate(tmp_path: Path) -> None:
    repository = tmp_path / "agent"
    make_repository(repository, {"agent.py": "x = 1\n"})
    forge = LocalForge(repository, folder=tmp_path / "pulls")
    proposal = replace(PROPOSAL, base_sha=forge.base().sha, title="Retry as @ada said in #12", regression_test="")
    evidence = replace(EVIDENCE, proposal_id=proposal.id)

    traffic = Traffic(n_traces=8, n_sessions=8, n_users=8)
    opened = submit(proposal, evidence, MODE, traffic=traffic, forge=forge, harness=Harness(name="shop"), branch="main")

    message = git(repository, "log", "-1", "--format=%s", opened.head_branch).strip()
    assert message == "Retry as @ ada said in # 12"
