"""Trend: whether a failure mode grew in the last days, against its own past and traffic, or may seem to by chance.

What is counted are people on days: on each day, how many different users a failure mode reached, and how many came at
all. So neither a chatty user nor a busy day is a trend.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scipy.special import betaincinv

RECENT_DAYS = 3
PAST_DAYS = 28
#: Fewer different people than this, of late, are no growth, on however many days.
MIN_PEOPLE = 3
#: Of taking chance for growth, and as much for taking it for decline: many failure modes are looked at, day by day.
RISK = 0.005


class Trend(StrEnum):
    """Where a failure mode is going."""

    GROWING = "growing"
    STEADY = "steady"
    FALLING = "falling"
    #: There is no past to compare with, or nothing ran of late.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """People on days, counted up to the last day on which anything ran."""

    #: Day, as days since 1970 in UTC -> how many different people came.
    traffic: Mapping[int, int]
    #: Failure mode -> day -> how many different people it reached.
    reached: Mapping[str, Mapping[int, int]]
    #: Failure mode -> how many different people it reached in the last RECENT_DAYS together.
    of_late: Mapping[str, int]


class Growth(NamedTuple):
    """A trend, and how sure it is."""

    trend: Trend
    #: The failure rate of the last days over that of the days before, as near to 1 as chance allows; 1 when steady.
    factor: float


UNCHANGED = Growth(Trend.UNKNOWN, 1.0)


def growths(days: Days) -> dict[str, Growth]:
    """Return the trend of each failure mode that was reached."""
    if not days.traffic:
        return {}
    since = max(days.traffic) - RECENT_DAYS + 1
    late, early = _parted(days.traffic, since)
    found = {}
    for mode_id, reached in days.reached.items():
        growth = growth_of(*_parted(reached, since), late, early)
        is_few = growth.trend is Trend.GROWING and days.of_late.get(mode_id, 0) < MIN_PEOPLE
        found[mode_id] = Growth(Trend.STEADY, 1.0) if is_few else growth
    return found


def growth_of(reached_late: int, reached_early: int, came_late: int, came_early: int) -> Growth:
    """Return the trend of a rate from counts.

    Given how many were reached in all, how many of them were reached of late is binomial when nothing changed; the
    bounds are those of Clopper and Pearson (Biometrika 26, 1934), turned into a ratio of the two rates.
    """
    n = reached_late + reached_early
    if not came_late or not came_early or not n:
        return UNCHANGED
    exposure = came_early / came_late
    low = float(betaincinv(reached_late, reached_early + 1, RISK)) if reached_late else 0.0
    high = float(betaincinv(reached_late + 1, reached_early, 1 - RISK)) if reached_early else 1.0
    least = exposure * low / (1 - low)
    if least > 1:
        return Growth(Trend.GROWING, least)
    if high < 1 and (most := exposure * high / (1 - high)) < 1:
        return Growth(Trend.FALLING, most)
    return Growth(Trend.STEADY, 1.0)


def _parted(counts: Mapping[int, int], since: int) -> tuple[int, int]:
    late = sum(n for day, n in counts.items() if day >= since)
    return late, sum(counts.values()) - late
