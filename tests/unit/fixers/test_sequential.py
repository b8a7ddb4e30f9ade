from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixers.sequential import N_ROUNDS, Step, look, regressed, step, unclear
from fixers.statistics import Stratum

Rounds = dict[str, list[Stratum]]


def chance(passed: int, n: int, p: float) -> float:
    return comb(n, passed) * p**passed * (1 - p) ** (n - passed)


def p_accepted(rounds: Rounds, p: dict[str, float], *, n: int, alpha: float) -> float:
    """Return the chance of a later acceptance of edits that do nothing, over every way the next rounds can go."""
    decided = step(rounds, n_looks=2, alpha=alpha)
    if rounds and decided is not Step.CONTINUE:
        return float(decided is Step.ACCEPT)
    again = unclear(rounds) if rounds else list(p)
    total = 0.0
    for counts in product(range(n + 1), repeat=2 * len(again)):
        pairs = list(zip(again, counts[::2], counts[1::2], strict=True))
        weight = np.prod([chance(b, n, p[case]) * chance(a, n, p[case]) for case, b, a in pairs])
        following = rounds | {case: [*rounds.get(case, []), Stratum(n, b, a)] for case, b, a in pairs}
        total += float(weight) * p_accepted(following, p, n=n, alpha=alpha)
    return total


@pytest.mark.parametrize("p", [(0.5, 0.5), (0.5, 0.2), (0.9, 0.5), (0.02, 0.98)])
@pytest.mark.parametrize("alpha", [0.4, 0.2])
def test_edits_that_do_nothing_pass_no_more_often_than_promised_over_all_looks(
    p: tuple[float, float], alpha: float
) -> None:
    # Every path of two cases, two runs on each arm and two looks; the bounds are wide because the cases are few.
    accepted = p_accepted({}, dict(zip("ab", p, strict=True)), n=2, alpha=alpha)
    assert accepted <= alpha
    assert accepted > 0 or p == (0.02, 0.98) or alpha == 0.2


def simulated(rng: np.random.Generator, shape: tuple[float, float], gain: float, n: int = 60) -> Step:
    before = rng.beta(*shape, n)
    after = np.minimum(1, before + gain)
    rounds: Rounds = {str(case): [] for case in range(n)}
    decided, again = Step.CONTINUE, list(rounds)
    while decided is Step.CONTINUE:
        for case in again:
            passed = (rng.binomial(3, arm[int(case)]) for arm in (before, after))
            rounds[case].append(Stratum(3, *map(int, passed)))
        decided, again = step(rounds), unclear(rounds)
    return decided


@pytest.mark.parametrize("shape", [(0.2, 0.2), (1, 1), (0.8, 0.2)])
def test_useless_edits_are_accepted_one_time_in_twenty(shape: tuple[float, float]) -> None:
    rng = np.random.default_rng(11)
    accepted = sum(simulated(rng, shape, 0.0) is Step.ACCEPT for _ in range(300))
    assert accepted <= 26  # 99.9 % quantile of Binomial(300, 0.05) is 28


def test_useful_edits_are_mostly_accepted() -> None:
    rng = np.random.default_rng(12)
    assert sum(simulated(rng, (0.5, 0.5), 0.15) is Step.ACCEPT for _ in range(50)) >= 45


def test_cases_that_always_end_alike_are_not_tried_again() -> None:
    rounds = {"sure": [Stratum(3, 3, 3)], "hopeless": [Stratum(3, 0, 0)], "mixed": [Stratum(3, 1, 2)]}
    assert unclear(rounds) == ["mixed"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_who_is_tried_again_does_not_depend_on_the_arm(counts: list[tuple[int, int]]) -> None:
    rounds = {str(i): [Stratum(3, *count)] for i, count in enumerate(counts)}
    swapped = {str(i): [Stratum(3, *count[::-1])] for i, count in enumerate(counts)}
    assert unclear(rounds) == unclear(swapped)


def test_a_clear_repair_stops_at_the_first_look() -> None:
    assert step({str(i): [Stratum(3, 0, 3)] for i in range(5)}) is Step.ACCEPT


def test_nothing_gained_is_given_up_at_the_first_look() -> None:
    assert step({str(i): [Stratum(3, 2, 1)] for i in range(9)}) is Step.GIVE_UP
    assert step({str(i): [Stratum(3, 3, 3)] for i in range(9)}) is Step.GIVE_UP


def test_an_open_question_gets_more_rounds_until_they_are_used_up() -> None:
    rounds = {str(i): [Stratum(3, 1, 2)] for i in range(5)}
    assert step(rounds) is Step.CONTINUE
    assert step({case: strata * N_ROUNDS for case, strata in rounds.items() if case < "2"}) is Step.GIVE_UP


def test_a_look_that_was_not_the_last_has_less_to_spend() -> None:
    rounds = {str(i): [Stratum(3, 1, 3)] for i in range(5)}
    first, only = look(rounds), look(rounds, n_looks=1)
    assert (first.p_value, only.p_value) == (only.p_value, pytest.approx(0.2**5))
    assert first.enough < only.enough == pytest.approx(0.05)
    assert look(rounds, n_looks=1, n_candidates=5).enough == pytest.approx(0.01)


def test_peeking_raises_the_p_value_of_what_comes_after() -> None:
    rounds = {str(i): [Stratum(3, 1, 2), Stratum(3, 1, 2)] for i in range(12)}
    assert (
        look(rounds, n_looks=3).p_value
        > look(  # type: ignore[operator]  # not None for mixed cases
            {f"{case}{i}": [stratum] for case, strata in rounds.items() for i, stratum in enumerate(strata)}, n_looks=1
        ).p_value
    )


def test_few_cases_are_not_enough_however_often_they_are_repeated() -> None:
    rounds = {str(i): [Stratum(9, 0, 9)] for i in range(3)}
    assert look(rounds, n_looks=1).p_value < 1e-9  # type: ignore[operator]  # not None for mixed cases
    assert step(rounds, n_looks=1) is Step.GIVE_UP


def test_one_flake_is_no_regression_and_a_case_that_turned_is() -> None:
    steady = {str(i): [Stratum(3, 3, 3)] * 3 for i in range(20)}
    assert regressed(steady | {"flaky": [Stratum(3, 3, 2), Stratum(3, 3, 3), Stratum(3, 2, 3)]}) == []
    assert regressed(steady | {"broken": [Stratum(3, 3, 0)] * 3}) == ["broken"]


def test_where_nothing_is_random_one_failure_is_a_regression() -> None:
    assert regressed({"broken": [Stratum(1, 1, 0)], "kept": [Stratum(1, 1, 1)]}) == ["broken"]
