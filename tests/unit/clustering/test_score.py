from datetime import UTC, datetime

import numpy as np
import pytest

from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic, severity

WHEN = datetime(2026, 11, 22, tzinfo=UTC)
TRAFFIC = Traffic(n_traces=1000, n_sessions=100, n_users=50)


def mode(*, n_traces: int = 1, n_sessions: int = 1, n_users: int = 1, detector: str = "error") -> FailureMode:
    return FailureMode(
        id="m",
        title="t",
        status=Status.NEW,
        detector=detector,
        key="k",
        centroid=np.zeros(2, dtype=np.float32),
        exemplars=(),
        n_traces=n_traces,
        n_sessions=n_sessions,
        n_users=n_users,
        first_seen=WHEN,
        last_seen=WHEN,
    )


def test_severity_is_the_geometric_mean_of_the_shares_of_sessions_and_users() -> None:
    assert severity(mode(n_sessions=9, n_users=8), TRAFFIC) == pytest.approx(0.12)


def test_a_chatty_user_does_not_dominate() -> None:
    chatty = mode(n_traces=900, n_sessions=50, n_users=1)
    assert severity(chatty, TRAFFIC) < severity(mode(n_traces=10, n_sessions=10, n_users=10), TRAFFIC)


def test_a_loop_in_one_session_weighs_less_than_a_few_users() -> None:
    loop = mode(n_traces=500, n_sessions=1, n_users=1)
    assert severity(loop, TRAFFIC) < severity(mode(n_traces=5, n_sessions=5, n_users=5), TRAFFIC)


def test_a_crash_weighs_more_than_a_detour() -> None:
    assert severity(mode(), TRAFFIC) > severity(mode(detector="repeated_call"), TRAFFIC)


def test_a_mode_whose_users_are_not_recorded_counts_by_its_sessions() -> None:
    assert severity(mode(n_sessions=10, n_users=0), TRAFFIC) == pytest.approx(0.1)


def test_where_sessions_and_users_are_unknown_traces_count() -> None:
    assert severity(mode(n_traces=3), Traffic(n_traces=10, n_sessions=0, n_users=0)) == pytest.approx(0.3)


def test_severity_never_exceeds_one_nor_divides_by_zero() -> None:
    assert severity(mode(n_sessions=900, n_users=900), TRAFFIC) == 1.0
    assert severity(mode(), Traffic(n_traces=0, n_sessions=0, n_users=0)) == 0.0
