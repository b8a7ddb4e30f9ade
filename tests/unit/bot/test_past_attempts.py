from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from bot.outcome import Decision, Outcome
from bot.past_attempts import NO_MODEL, lacked_model, past_attempts
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from clustering.failure_mode import FailureMode, Status
from fixers.archive import pages, told
from fixers.diagnosis import Diagnosis, Layer
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, Verdict
from fixers.proposal import Edit, Proposal

NOW = datetime(2026, 11, 2, tzinfo=UTC)
EDIT = Edit(path="shop/loop.py", before="x = 1\n", after="x = 2\n")


def mode(mode_id: str = "m") -> FailureMode:
    return FailureMode(
        id=mode_id, title=f"title of {mode_id}", status=Status.NEW, detector="error", key="E", service="shop",
        centroid=np.zeros(2, dtype=np.float32), exemplars=(), n_traces=8, n_sessions=8, n_users=8,
        first_seen=NOW, last_seen=NOW,
    )  # fmt: skip


def proposal(mode_id: str = "m") -> Proposal:
    cause = Diagnosis(failure_mode_id=mode_id, cause="One too few.", layer=Layer.TOOL_CODE, location=None, quotes=())
    return Proposal(
        failure_mode_id=mode_id, base_sha="b" * 40, diagnosis=cause, author="agent", title=f"Count to two: {mode_id}",
        rationale="Two are needed.", edits=(EDIT,), regression_test="tests/test_loop.py", risk="None.",
    )  # fmt: skip


def verdict(mode_id: str, reason: str, *, of: Proposal | None = None) -> RecordedVerdict:
    return RecordedVerdict(
        failure_mode_id=mode_id,
        proposal_id=of.id if of else None,
        base_sha="b" * 40,
        n_traces=8,
        verdict=Verdict.NOT_FIXED if of else Verdict.NO_PROPOSAL,
        reason=reason,
        decided_at=NOW,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(open_engine(f"sqlite:///{tmp_path / 'x.db'}"), now=lambda: NOW)


def tried(store: Store, mode_id: str) -> Proposal:
    store.save_modes("t", [mode("m"), mode("other")], {})
    drafted = proposal(mode_id)
    store.save_proposal("t", drafted)
    case = CaseResult(trace_id="f" * 32, role=Role.FAILING, arm=Arm.AFTER, result=Result.FAILED, reason="as before")
    store.save_evidence(
        "t", Evidence(proposal_id=drafted.id, verdict=Verdict.NOT_FIXED, reason="r", isolation="x", cases=(case,))
    )
    store.save_verdict("t", verdict(mode_id, "1 of 8 still fail", of=drafted))
    return drafted


def test_an_attempt_is_a_page_with_diff_reasoning_scores_verdict_and_review(store: Store) -> None:
    drafted = tried(store, "m")
    said = Outcome(
        delivery_id="d",
        proposal_id=drafted.id,
        decision=Decision.REFUSED,
        actor="ada",
        words="Not here.",
        decided_at=NOW,
    )
    store.record_outcome("t", said)
    (page,) = pages(past_attempts(store, "t", mode())).values()
    for words in (
        "-x = 1\n+x = 2",
        "Two are needed.",
        "0 of 1 pass after",
        "fails after: as before",
        "1 of 8 still fail",
        "Not here.",
    ):
        assert words in page
    assert "refused by ada" in page


def test_attempts_on_other_failure_modes_of_the_agent_are_there_too(store: Store) -> None:
    tried(store, "other")
    attempts = past_attempts(store, "t", mode())
    assert list(pages(attempts)) == ["@attempts/other/1.md"]
    assert told(attempts) == "1 attempts on other failure modes of this agent: @attempts/other/*"


def test_what_was_given_up_for_want_of_a_model_is_no_attempt(store: Store) -> None:
    store.save_modes("t", [mode()], {})
    for reason in (f"no recipe fits; agent: {NO_MODEL}", "agent: the model declined: it is the provider's"):
        store.save_verdict("t", verdict("m", reason))
    (attempt,) = past_attempts(store, "t", mode())
    assert "declined" in attempt.reason
    assert lacked_model(verdict("m", f"agent: {NO_MODEL}"))
    assert not lacked_model(verdict("m", "agent: the model declined"))
