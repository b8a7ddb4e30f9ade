"""When is a difference a difference: exact tests and intervals for paired runs, few or many. Pure arithmetic.

The comparison of two arms is Birch's exact conditional test for stratified 2 x 2 tables, the exact form of the
Cochran-Mantel-Haenszel test: each case is a stratum, and under "no difference" every way of dealing the case's passes
to the two arms is equally likely. Nothing is assumed of how hard a case is. With one run for each arm it is the sign
test, which is McNemar's exact one. What is summed is not a case's gain g but its worth, about g ** 1.5: an edit that
repairs a few cases is found far more often than by plain sums, one that helps all a little as often
(`benchmarks/gate.py`), and the test stays exact, since only the order of the ways of dealing changes.

M. W. Birch, The detection of partial association, I: the 2 x 2 case. J. R. Stat. Soc. B 26 (1964), 313-324.
A. Agresti, Categorical Data Analysis (2013), section 7.3.5.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

#: How often a change that does nothing may be taken for a repair.
ALPHA = 0.05
Z_95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
#: Of what a gain is worth. At 1 (plain sums), 1.5, 2 and 3, three runs of a hundred cases found 41, 45, 39 and 33 % of
#: edits of 4.7 points spread over all cases, and 38, 54, 59 and 70 % of those concentrated on a few.
WORTH_POWER = 1.5
#: What rounding may add to a probability that is a sum of some hundred others.
ROUNDING = 1e-12

Distribution = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """Both ends of a confidence interval of a share, within [0, 1]."""

    low: float
    high: float


class Stratum(NamedTuple):
    """As many runs of one case before the edits as after them; with edits that do nothing they may be exchanged."""

    #: Runs on each arm.
    n: int
    passed_before: int
    passed_after: int

    @property
    def passed(self) -> int:
        """Passes on both arms together."""
        return self.passed_before + self.passed_after

    @property
    def gain(self) -> int:
        """How many more runs passed after the edits."""
        return self.passed_after - self.passed_before

    @property
    def is_mixed(self) -> bool:
        """Whether some of its runs passed and some failed, whatever the arm."""
        return 0 < self.passed < 2 * self.n


def stratified_p_value(strata: Iterable[Stratum]) -> float | None:
    """Return the one-sided exact p-value of "the change improves"; None when no stratum can tell."""
    told = [stratum for stratum in strata if stratum.is_mixed]
    if not told:
        return None
    return tail(deal(np.ones(1), told), sum(map(score, told)))


@cache
def worth(gain: int) -> int:
    """Return what a case's gain counts: -3 -> -5, 0 -> 0, 1 -> 1, 2 -> 3, 3 -> 5, 9 -> 27."""
    size: int = round(abs(gain) ** WORTH_POWER)
    return size if gain > 0 else -size


def score(stratum: Stratum) -> int:
    """Return what the stratum's gain is worth, counted from the worst that could be: never negative."""
    return worth(stratum.gain) + worth(stratum.n)


def deal(distribution: Distribution, strata: Iterable[Stratum]) -> Distribution:
    """Return the distribution of the sum of the scores when the passes of `strata` are dealt to the arms by chance.

    Parameters
    ----------
    distribution
        Entry k is the probability of a score of k before these strata; it need not sum to one.
    strata
        Each adds a score that depends on a hypergeometric number of passes, independent of the others.

    """
    for stratum in strata:
        distribution = np.convolve(distribution, _scores(stratum))
    return distribution


def tail(distribution: Distribution, at_least: int) -> float:
    """Return the probability of `at_least` or more."""
    return min(1.0, float(distribution[max(0, at_least) :].sum()))


def sign_flip_p_value(gains: Iterable[int]) -> float | None:
    """Return the one-sided exact p-value of "the gains are more than luck", each one coin toss; None without any.

    This is Fisher's randomization test of matched pairs: the sign of each gain is as likely to be the other one.
    """
    sizes = [worth(gain) for gain in gains if gain]
    if not sizes:
        return None
    distribution = np.ones(1)
    for size in map(abs, sizes):
        coin = np.zeros(size + 1)
        coin[[0, size]] = 0.5
        distribution = np.convolve(distribution, coin)
    return tail(distribution, sum(size for size in sizes if size > 0))


def _scores(stratum: Stratum) -> Distribution:
    """Return the probability of each score when the stratum's passes are dealt by chance."""
    n, passed = stratum.n, stratum.passed
    scores = np.zeros(2 * worth(n) + 1)
    for after in range(max(0, passed - n), min(n, passed) + 1):
        scores[score(Stratum(n, passed - after, after))] = math.comb(n, after) * math.comb(n, passed - after)
    return scores / math.comb(2 * n, passed)


def wilson_interval(n_passed: float, n: int, *, z: float = Z_95) -> Interval:
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
