"""When is a difference a difference: exact tests and intervals for small numbers of paired runs. Pure arithmetic."""

import math
from collections.abc import Sequence
from typing import NamedTuple

#: How often a change that does nothing may be taken for a repair.
ALPHA = 0.05
Z_95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


class Interval(NamedTuple):
    """Both ends of a confidence interval of a share, within [0, 1]."""

    low: float
    high: float


def paired_p_value(n_improved: int, n_worsened: int) -> float | None:
    """Return the one-sided exact p-value of "the change improves": the sign test, or McNemar's exact one.

    Only cases that ended differently on both arms count. Under "no difference" each of them is a coin toss, so the
    p-value is the chance of at least `n_improved` heads. None when no case differs.
    """
    n = n_improved + n_worsened
    if n == 0:
        return None
    return sum(math.comb(n, k) for k in range(n_improved, n + 1)) / (1 << n)


def wilson_interval(n_passed: int, n: int, *, z: float = Z_95) -> Interval:
    """Return Wilson's score interval of the share n_passed / n; (0, 1) when n is 0."""
    if n == 0:
        return Interval(0.0, 1.0)
    share = n_passed / n
    scale = 1 + z**2 / n
    middle = (share + z**2 / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / scale
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for being several, by Holm's step-down method, in the order given."""
    n = len(p_values)
    adjusted = [0.0] * n
    worst = 0.0
    for rank, index in enumerate(sorted(range(n), key=lambda index: p_values[index])):
        worst = max(worst, min(1.0, (n - rank) * p_values[index]))
        adjusted[index] = worst
    return adjusted


def bonferroni_alpha(n_candidates: int, *, alpha: float = ALPHA) -> float:
    """Return the p-value that one of `n_candidates` candidates must reach, when they are tried one after another."""
    return alpha / max(1, n_candidates)
