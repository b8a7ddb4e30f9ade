from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from bot.policy import Attempt, worth_mending
from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic
from clustering.trend import Growth, Trend
from fixers.evidence import Verdict

NOW = datetime(2026, 11, 2, tzinfo=UTC)
TRAFFIC = Traffic(n_traces=100, n_sessions=100, n_users=100)


def mode(mode_id: str = "m", *, n_traces: int = 8, n_users: int = 8, status: Status = Status.NEW) -> FailureMode:
    return FailureMode(
        id=mode_id,
        title="",
        status=status,
        detector="error",
        key="TimeoutError",
        centroid=np.zeros(2, dtype=np.float32),
        exemplars=(),
        n_traces=n_traces,
        n_sessions=n_users,
        n_users=n_users,
        first_seen=NOW,
        last_seen=NOW,
    )


def attempt(verdict: Verdict, *, base: str = "a", n_traces: int = 8) -> Attempt:
    return Attempt(failure_mode_id="m", base_sha=base, n_traces=n_traces, verdict=verdict)


def is_chosen(*attempts: Attempt, of: FailureMode | None = None, proposed: frozenset[str] = frozenset()) -> bool:
    return bool(
        worth_mending(
            [of or mode()],
            attempts={"m": attempts},
            proposed=proposed,
            base_shas={"m": "a"},
            traffic=TRAFFIC,
            growths={},
        )
    )


def test_what_was_never_tried_is_tried_most_severe_first() -> None:
    modes = [mode("few", n_users=2), mode("many", n_users=9), mode("nobody's", n_users=50)]
    chosen = worth_mending(
        modes, attempts={}, proposed=frozenset(), base_shas={"few": "a", "many": "b"}, traffic=TRAFFIC, growths={}
    )
    assert [each.id for each in chosen] == ["many", "few"]


def test_of_equal_ones_the_one_that_grows_comes_first() -> None:
    modes = [mode("a"), mode("b"), mode("c")]
    shas = dict.fromkeys("abc", "0")
    growths = {"b": Growth(Trend.GROWING, 1.3), "a": Growth(Trend.FALLING, 0.7)}
    chosen = worth_mending(modes, attempts={}, proposed=frozenset(), base_shas=shas, traffic=TRAFFIC, growths=growths)
    assert [each.id for each in chosen] == ["b", "c", "a"]


def test_a_failure_mode_never_gets_a_second_pull_request() -> None:
    assert not is_chosen(proposed=frozenset({"m"}))
    assert not is_chosen(attempt(Verdict.VERIFIED, base="older"), of=mode(n_traces=900), proposed=frozenset({"m"}))


@pytest.mark.parametrize("status", [Status.ARCHIVED, Status.RESOLVED])
def test_what_people_closed_stays_closed(status: Status) -> None:
    assert not is_chosen(of=mode(status=status))


@pytest.mark.parametrize(
    "verdict", [Verdict.NOT_FIXED, Verdict.REGRESSION, Verdict.OUT_OF_SCOPE, Verdict.NOT_TESTABLE, Verdict.NO_PROPOSAL]
)
def test_an_attempt_settles_its_commit_and_no_other(verdict: Verdict) -> None:
    assert not is_chosen(attempt(verdict))
    assert is_chosen(attempt(verdict, base="older"))


@pytest.mark.parametrize("verdict", [Verdict.VERIFIED, Verdict.FAULT, Verdict.NO_SANDBOX])
def test_what_says_nothing_of_the_failure_mode_settles_nothing(verdict: Verdict) -> None:
    assert is_chosen(attempt(verdict))
    assert is_chosen(attempt(Verdict.NOT_FIXED), attempt(verdict))


def test_the_last_attempt_on_a_commit_counts() -> None:
    assert not is_chosen(attempt(Verdict.FAULT), attempt(Verdict.NOT_FIXED))


@pytest.mark.parametrize(
    ("verdict", "n_traces", "chosen"),
    [
        (Verdict.TOO_NOISY, 15, False),
        (Verdict.TOO_NOISY, 16, True),
        (Verdict.NO_PROPOSAL, 16, True),
        (Verdict.NOT_FIXED, 900, False),
    ],
)
def test_twice_the_evidence_reopens_what_evidence_can_change(verdict: Verdict, n_traces: int, *, chosen: bool) -> None:
    assert is_chosen(attempt(verdict), of=mode(n_traces=n_traces)) is chosen


def test_what_was_given_up_for_want_of_a_model_is_tried_once_there_is_one() -> None:
    without = replace(attempt(Verdict.NO_PROPOSAL), unequipped=True)
    assert is_chosen(without)
    assert not is_chosen(without, attempt(Verdict.NO_PROPOSAL))
    assert not is_chosen(without, attempt(Verdict.NOT_FIXED))
