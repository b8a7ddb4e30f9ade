from collections.abc import Sequence
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fixers.statistics import (
    Stratum,
    bonferroni_alpha,
    holm,
    sign_flip_p_value,
    stratified_p_value,
    wilson_interval,
    worth,
)


def once(improved: int, worsened: int) -> list[Stratum]:
    return [Stratum(1, 0, 1)] * improved + [Stratum(1, 1, 0)] * worsened


@st.composite
def a_stratum(draw: st.DrawFn, most: int = 4) -> Stratum:
    n = draw(st.integers(1, most))
    return Stratum(n, draw(st.integers(0, n)), draw(st.integers(0, n)))


def dealt(stratum: Stratum) -> list[int]:
    """Return what the gain is worth in every way of choosing which of the runs are the ones after the edits."""
    runs = [1] * stratum.passed + [0] * (2 * stratum.n - stratum.passed)
    return [worth(2 * sum(chosen) - stratum.passed) for chosen in combinations(runs, stratum.n)]


def by_enumeration(strata: Sequence[Stratum]) -> float:
    ways = [sum(way) for way in product(*map(dealt, strata))]
    observed = sum(worth(stratum.gain) for stratum in strata)
    return sum(way >= observed for way in ways) / len(ways)


@given(st.lists(a_stratum(most=3), min_size=1, max_size=4))
def test_the_test_is_exact(strata: list[Stratum]) -> None:
    p_value = stratified_p_value(strata)
    assert (1.0 if p_value is None else p_value) == pytest.approx(by_enumeration(strata), rel=1e-9)


@given(a_stratum(most=9))
def test_of_one_case_it_is_fishers_exact_test(stratum: Stratum) -> None:
    table = [[stratum.passed_after, stratum.n - stratum.passed_after]]
    table.append([stratum.passed_before, stratum.n - stratum.passed_before])
    assert (stratified_p_value([stratum]) or 1.0) == pytest.approx(stats.fisher_exact(table, "greater").pvalue)


@pytest.mark.parametrize(("improved", "worsened"), [(5, 0), (4, 0), (9, 1), (3, 3), (0, 4), (60, 41), (700, 620)])
def test_of_single_runs_it_is_the_exact_sign_test(improved: int, worsened: int) -> None:
    expected = stats.binomtest(improved, improved + worsened, alternative="greater").pvalue
    assert stratified_p_value(once(improved, worsened)) == pytest.approx(expected, rel=1e-9)
    gains = [1] * improved + [-1] * worsened
    assert sign_flip_p_value(gains) == pytest.approx(expected, rel=1e-9)


def test_cases_that_end_alike_tell_nothing() -> None:
    assert stratified_p_value([]) is None
    assert stratified_p_value([Stratum(3, 3, 3), Stratum(3, 0, 0), Stratum(0, 0, 0)]) is None
    assert stratified_p_value([*once(5, 0), Stratum(3, 3, 3)]) == pytest.approx(0.5**5)


@given(st.lists(a_stratum(), min_size=1, max_size=20), st.data())
def test_one_more_pass_moved_to_the_edits_never_weakens_them(strata: list[Stratum], data: st.DataObject) -> None:
    movable = [i for i, s in enumerate(strata) if s.passed_before > 0 and s.passed_after < s.n]
    if not movable:
        return
    moved = data.draw(st.sampled_from(movable))
    n, before, after = strata[moved]
    better = [*strata[:moved], Stratum(n, before - 1, after + 1), *strata[moved + 1 :]]
    assert (stratified_p_value(better) or 1.0) <= (stratified_p_value(strata) or 1.0)


@given(st.lists(a_stratum(), max_size=20), st.randoms())
def test_the_order_of_the_cases_does_not_matter(strata: list[Stratum], random: Random) -> None:
    shuffled = random.sample(strata, len(strata))
    assert stratified_p_value(shuffled) == pytest.approx(stratified_p_value(strata))


@given(st.lists(st.integers(-4, 4), max_size=9))
def test_each_gain_is_one_coin_toss(gains: list[int]) -> None:
    flips = [sum(map(worth, flip)) for flip in product(*[(gain, -gain) for gain in gains])]
    expected = sum(flip >= sum(map(worth, gains)) for flip in flips) / len(flips)
    assert (sign_flip_p_value(gains) or 1.0) == pytest.approx(expected)


def test_repeating_the_same_cases_makes_no_more_cases_of_them() -> None:
    two_cases = [Stratum(9, 0, 9)] * 2
    assert stratified_p_value(two_cases) < 1e-8  # type: ignore[operator]  # not None for mixed cases
    assert sign_flip_p_value(stratum.gain for stratum in two_cases) == 0.25


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
    assert stratified_p_value(once(4, 0)) > bonferroni_alpha(1)  # type: ignore[operator]  # not None
    assert stratified_p_value(once(5, 0)) == pytest.approx(0.03125)
    assert bonferroni_alpha(3) < 0.03125 < bonferroni_alpha(1)


def test_a_larger_gain_is_worth_more_than_as_many_small_ones() -> None:
    assert [worth(gain) for gain in (-3, -1, 0, 1, 2, 3)] == [-5, -1, 0, 1, 3, 5]
    assert all(worth(gain) < worth(gain + 1) for gain in range(-30, 30))
    mixed = [Stratum(3, 1, 1)] * 20
    repaired = [*mixed, *[Stratum(3, 0, 3)] * 2]
    nudged = [*mixed, *[Stratum(3, 1, 2)] * 6]
    assert stratified_p_value(repaired) < stratified_p_value(nudged)  # type: ignore[operator]  # not None
