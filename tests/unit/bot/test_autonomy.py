"""What the owners allow is the ceiling; the agent's own record may lower it, and never raises it."""

import pytest

from bot.autonomy import standing
from fixers.harness import Autonomy
from tests.unit.bot.opened import NOW, opened


def level(ceiling: Autonomy, *, merged: int = 0, closed: int = 0, days_ago: float = 1.0) -> Autonomy:
    record = [opened("merged", days_ago=days_ago)] * merged + [opened("closed", days_ago=days_ago)] * closed
    return standing(ceiling, [*record, opened("open")], now=NOW).autonomy


@pytest.mark.parametrize(
    ("merged", "closed", "earned"),
    [
        (0, 0, Autonomy.DRAFT),
        (4, 0, Autonomy.DRAFT),  # too few to say
        (5, 0, Autonomy.READY),
        (4, 1, Autonomy.DRAFT),
        (7, 1, Autonomy.READY),
        (0, 4, Autonomy.DRAFT),
        (0, 5, Autonomy.ISSUE),
        (1, 7, Autonomy.ISSUE),
        (2, 6, Autonomy.DRAFT),
    ],
)
def test_what_people_merged_and_refused_decides_below_the_ceiling(merged: int, closed: int, earned: Autonomy) -> None:
    assert level(Autonomy.READY, merged=merged, closed=closed) is earned


def test_no_record_goes_beyond_what_is_allowed() -> None:
    assert level(Autonomy.DRAFT, merged=50) is Autonomy.DRAFT
    assert level(Autonomy.ISSUE, merged=50) is Autonomy.ISSUE
    assert level(Autonomy.OBSERVE, merged=50) is Autonomy.OBSERVE


def test_refusals_grow_old() -> None:
    assert level(Autonomy.DRAFT, closed=9, days_ago=89) is Autonomy.ISSUE
    assert level(Autonomy.DRAFT, closed=9, days_ago=91) is Autonomy.DRAFT


def test_the_reason_shows_the_numbers() -> None:
    told = standing(Autonomy.READY, [opened("merged"), opened("closed")], now=NOW)
    assert told.reason == (
        "ready is allowed, draft is earned: 1 of 2 decided pull requests merged in 90 days (5 are needed to move)"
    )
