"""What a merge should do to a failure rate, told before it."""

import pytest

from fixers.aftermath import Exposure
from fixers.expected import Expected, expect

BEFORE = Exposure(n_runs=200, n_of_mode=40, n_failing=60)


def expected(n_unmended: int, *, n_replayed: int = 10, before: Exposure = BEFORE) -> Expected:
    found = expect(before, n_replayed=n_replayed, n_unmended=n_unmended)
    assert found is not None
    return found


def test_the_rate_is_that_of_the_traffic_times_the_share_that_was_not_mended() -> None:
    assert [expected(n).rate for n in (0, 5, 10)] == [0.0, pytest.approx(0.1), pytest.approx(0.2)]


@pytest.mark.parametrize("n_unmended", [0, 3, 10])
def test_the_interval_holds_the_rate_and_narrows_with_what_was_tried(n_unmended: int) -> None:
    few, many = expected(n_unmended), expected(10 * n_unmended, n_replayed=100)
    assert few.low <= few.rate <= few.high
    assert few.low <= many.low <= many.rate <= many.high <= few.high
    assert many.high - many.low < few.high - few.low


def test_what_is_not_known_is_not_foretold() -> None:
    assert expect(Exposure(), n_replayed=10, n_unmended=0) is None
    assert expect(BEFORE, n_replayed=0, n_unmended=0) is None


@pytest.mark.parametrize(
    ("n_runs", "n_of_mode", "held"),
    [(19, 19, None), (100, 0, True), (100, 9, True), (100, 10, False)],
)
def test_a_rate_holds_within_the_interval_once_there_is_traffic(n_runs: int, n_of_mode: int, held: bool | None) -> None:  # noqa: FBT001 - a parameter
    assert expected(0).holds(Exposure(n_runs=n_runs, n_of_mode=n_of_mode)) is held
