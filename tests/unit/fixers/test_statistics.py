import pytest
from scipy import stats

from fixers.statistics import bonferroni_alpha, holm, paired_p_value, wilson_interval


@pytest.mark.parametrize(("improved", "worsened"), [(5, 0), (4, 0), (9, 1), (3, 3), (0, 4), (60, 41), (700, 620)])
def test_the_paired_test_is_the_exact_sign_test(improved: int, worsened: int) -> None:
    expected = stats.binomtest(improved, improved + worsened, alternative="greater").pvalue
    assert paired_p_value(improved, worsened) == pytest.approx(expected, rel=1e-9)


def test_nothing_paired_gives_no_p_value() -> None:
    assert paired_p_value(0, 0) is None


@pytest.mark.parametrize(("passed", "n"), [(0, 5), (5, 5), (3, 10), (481, 1000)])
def test_the_interval_is_wilsons(passed: int, n: int) -> None:
    expected = stats.binomtest(passed, n).proportion_ci(method="wilson")
    assert wilson_interval(passed, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_runs_the_share_may_be_anything() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_holm_adjusts_in_the_order_given() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_four_repairs_are_too_few_and_more_candidates_need_more() -> None:
    assert paired_p_value(4, 0) > bonferroni_alpha(1)  # type: ignore[operator]  # not None for four pairs
    assert paired_p_value(5, 0) < bonferroni_alpha(1)  # type: ignore[operator]
    assert paired_p_value(5, 0) > bonferroni_alpha(3)  # type: ignore[operator]
