"""What the traffic after a merge says of the fix."""

import pytest

from fixers.aftermath import Answer, Exposure, answer, exact_interval, score


def exposure(n_runs: int, n_of_mode: int, n_failing: int | None = None) -> Exposure:
    return Exposure(n_runs=n_runs, n_of_mode=n_of_mode, n_failing=n_of_mode if n_failing is None else n_failing)


# Made with R's binom.test and with tables: 95 % unless told.
@pytest.mark.parametrize(
    ("n_failed", "n", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_the_exact_one(n_failed: int, n: int, low: float, high: float) -> None:
    found = exact_interval(n_failed, n, confidence=0.95)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_many_runs_is_found_too() -> None:
    low, high = exact_interval(1_000, 50_000)
    assert 0.018 < low < 0.02 < high < 0.022


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (exposure(100, 40), exposure(60, 0), Answer.FIXED),
        (exposure(100, 40), exposure(60, 1), Answer.FIXED),
        (exposure(100, 40), exposure(60, 24), Answer.NOT_FIXED),
        (exposure(100, 40), exposure(60, 12), Answer.TOO_LITTLE),
        (exposure(100, 40), exposure(19, 0), Answer.TOO_LITTLE),
        (exposure(19, 19), exposure(100, 0), Answer.TOO_LITTLE),
        (exposure(1_000, 10), exposure(100, 0), Answer.TOO_LITTLE),
        (exposure(1_000, 10), exposure(2_000, 0), Answer.FIXED),
        (exposure(100, 10), exposure(60, 40), Answer.WORSE),
    ],
)
def test_only_enough_traffic_gives_an_answer(before: Exposure, after: Exposure, expected: Answer) -> None:
    assert answer(before, after) is expected


def test_a_fix_that_makes_other_things_fail_made_it_worse() -> None:
    assert answer(exposure(100, 40, 45), exposure(60, 0, 58)) is Answer.WORSE


def test_predictions_are_scored_on_what_could_be_judged() -> None:
    found = score(["a", "b", "unjudged"], ["b", "c"], judged=["a", "b", "c", "d"])
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert score([], [], judged=["a"]).precision is None
