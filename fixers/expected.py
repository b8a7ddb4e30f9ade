"""Expected: how often a failure mode should still show once its fix is merged, foretold from what was tried.

The rate in traffic times the share of the replayed failing runs that the fix did not mend. Each factor has an exact
interval (Clopper and Pearson, 1934) of 97.5 %, so that both hold, and with them their product, in 95 % of all cases.
"""

from dataclasses import dataclass

from fixers.aftermath import MIN_RUNS, Exposure, exact_interval

#: Of each of the two factors.
CONFIDENCE = 0.975


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The rate of a failure mode that is foretold for runs with the fix."""

    #: The runs that the rate before is counted on.
    before: Exposure
    #: Failing runs that were replayed with the edits and could be judged, and how many of them still failed.
    n_replayed: int
    n_unmended: int
    #: Ends of the interval of the rate, at least 95 %.
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The likeliest rate."""
        return self.before.n_of_mode / self.before.n_runs * self.n_unmended / self.n_replayed

    def holds(self, after: Exposure) -> bool | None:
        """Tell whether the rate that was seen lies within the interval; None below 20 runs."""
        if after.n_runs < MIN_RUNS:
            return None
        return self.low <= after.n_of_mode / after.n_runs <= self.high


def expect(before: Exposure, *, n_replayed: int, n_unmended: int) -> Expected | None:
    """Return what is foretold, or None where nothing was replayed or no traffic is known.

    Examples
    --------
    >>> found = expect(Exposure(n_runs=200, n_of_mode=40), n_replayed=10, n_unmended=0)
    >>> found.rate, found.low, f"{found.high:.3f}"
    (0.0, 0.0, '0.096')

    """
    if not before.n_runs or not n_replayed:
        return None
    was = exact_interval(before.n_of_mode, before.n_runs, confidence=CONFIDENCE)
    left = exact_interval(n_unmended, n_replayed, confidence=CONFIDENCE)
    return Expected(
        before=before,
        n_replayed=n_replayed,
        n_unmended=n_unmended,
        low=was.low * left.low,
        high=was.high * left.high,
    )
