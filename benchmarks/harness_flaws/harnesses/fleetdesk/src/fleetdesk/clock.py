"""What day it is, and which days are worked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

#: Days of the year on which the workshop is closed.
HOLIDAYS = frozenset({date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 31)})
SATURDAY = 5


@dataclass(frozen=True)
class Clock:
    """A clock that stands still, so that a conversation has one today."""

    today: date = date(2026, 12, 1)

    def days_until(self, day: date) -> int:
        return (day - self.today).days

    def is_past(self, day: date) -> bool:
        return day < self.today


def is_worked(day: date) -> bool:
    """Whether the workshop is open."""
    return day.weekday() < SATURDAY and day not in HOLIDAYS


def working_days(start: date) -> Iterator[date]:
    """Yield the days on which the workshop is open, from `start` on."""
    day = start
    while True:
        if is_worked(day):
            yield day
        day += timedelta(days=1)


def add_working_days(start: date, n: int) -> date:
    """Return the day that is `n` worked days after `start`."""
    days = working_days(start + timedelta(days=1))
    day = start
    for _ in range(n):
        day = next(days)
    return day


def parse_day(text: str) -> date:
    """Read a date as 2026-12-31 or 31.12.2026."""
    if "." in text:
        day, month, year = text.split(".")
        return date(int(year), int(month), int(day))
    return date.fromisoformat(text)


def week_of(day: date) -> str:
    """Return the calendar week, as the workshop's plans name it: 2026-W49."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
