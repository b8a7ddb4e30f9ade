"""Aftermath: whether a merged fix fixed anything, told from what ran before and after. Values in, an answer out.

Rates are compared by exact intervals (Clopper and Pearson, 1934), each of 99 %, because one looks at them again and
again while traffic comes in. A failure mode was chosen because it had failed, so that some of its decline is luck: it
has to fall below half of what it was.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from fixers.statistics import Interval

CONFIDENCE = 0.99
#: Runs on each side below which nothing is said.
MIN_RUNS = 20
#: The share of the former rate that tells a fix from none.
REMAINING = 0.5
#: Each halves the uncertainty of an end of an interval: far below what is shown.
BISECTIONS = 40


class Answer(StrEnum):
    """What the traffic after a merge says of the fix."""

    FIXED = "fixed"
    NOT_FIXED = "not fixed"
    #: This failure mode, or failures of any kind, became more frequent.
    WORSE = "worse"
    TOO_LITTLE = "too little traffic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How many runs there were, and how many of them failed."""

    n_runs: int = 0
    #: Those that show the failure mode.
    n_of_mode: int = 0
    #: Those that show a failure of any kind.
    n_failing: int = 0

    def __add__(self, other: "Exposure") -> "Exposure":
        """Return both together."""
        return Exposure(
            n_runs=self.n_runs + other.n_runs,
            n_of_mode=self.n_of_mode + other.n_of_mode,
            n_failing=self.n_failing + other.n_failing,
        )


def answer(before: Exposure, after: Exposure) -> Answer:
    """Return what can be said by now.

    * worse: the interval of a rate lies above the one before, for the failure mode or for failures of any kind;
    * fixed: the whole interval of the failure mode's rate lies below half of its former rate;
    * not fixed: the whole interval lies above that half;
    * too little traffic: the interval holds the half, or there are fewer than 20 runs on a side.
    """
    if min(before.n_runs, after.n_runs) < MIN_RUNS:
        return Answer.TOO_LITTLE
    was, now = exact_interval(before.n_of_mode, before.n_runs), exact_interval(after.n_of_mode, after.n_runs)
    was_any, now_any = exact_interval(before.n_failing, before.n_runs), exact_interval(after.n_failing, after.n_runs)
    half = REMAINING * before.n_of_mode / before.n_runs
    if now.low > was.high or now_any.low > was_any.high:
        return Answer.WORSE
    if now.high < half:
        return Answer.FIXED
    return Answer.NOT_FIXED if now.low > half else Answer.TOO_LITTLE


def exact_interval(n_failed: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Return Clopper and Pearson's interval of the share n_failed / n; (0, 1) when n is 0."""
    if n == 0:
        return Interval(0.0, 1.0)
    alpha = (1 - confidence) / 2
    counts = np.arange(n + 1)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, n + 1)))))
    ways = logs[n] - logs[counts] - logs[n - counts]

    def at_most(k: int, share: float) -> float:
        part = counts[: k + 1]
        return float(np.exp(ways[: k + 1] + part * math.log(share) + (n - part) * math.log1p(-share)).sum())

    low = 0.0 if n_failed == 0 else _falling(lambda share: at_most(n_failed - 1, share) - (1 - alpha))
    high = 1.0 if n_failed == n else _falling(lambda share: at_most(n_failed, share) - alpha)
    return Interval(low, high)


def _falling(function: Callable[[float], float]) -> float:
    """Return where a function that falls from 0 to 1 crosses zero."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many of the predicted things happened, and how many of those that happened were predicted."""

    n_predicted: int = 0
    n_happened: int = 0
    n_both: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the predicted that happened; None when nothing was predicted."""
        return self.n_both / self.n_predicted if self.n_predicted else None

    @property
    def recall(self) -> float | None:
        """Share of what happened that was predicted; None when nothing happened."""
        return self.n_both / self.n_happened if self.n_happened else None

    def __add__(self, other: "Score") -> "Score":
        """Return both together."""
        return Score(
            n_predicted=self.n_predicted + other.n_predicted,
            n_happened=self.n_happened + other.n_happened,
            n_both=self.n_both + other.n_both,
        )


def score(predicted: Collection[str], happened: Collection[str], *, judged: Collection[str]) -> Score:
    """Score predictions on what could be judged; a prediction about anything else is neither right nor wrong."""
    said, was = set(predicted) & set(judged), set(happened) & set(judged)
    return Score(n_predicted=len(said), n_happened=len(was), n_both=len(said & was))
