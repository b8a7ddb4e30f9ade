"""Tolerance: what of a run's texts is its own making, and so differs the next time: fresh ids, and its clock. No I/O.

An id or a date that came from outside (what was asked, what the model and the tools answered) is data, and never
tolerated. What is left was made by the run itself: an id may be any other one, in the same place; a clock may have
moved on with the day of the run, and still must name the same day before or after it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MAX_DAYS = 1  # from a run's day to the days that its clock may name: time zones, yesterday, tomorrow
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_TIME = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\b\.?)?(?: ?(?:Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b))?"
)
_DAY_NAME = r"(?:\b(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\b,? )?"
_IDS = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|(?<![0-9A-Za-z])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{16,64}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_CLOCKS = re.compile(
    rf"{_DAY_NAME}(?:(?P<iso>\b\d{{4}}-\d{{2}}-\d{{2}})|\b(?P<month>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? "
    rf"(?P<year>\d{{4}})|\b(?P<day2>\d{{1,2}}) (?P<month2>{_MONTH})\.?,? (?P<year2>\d{{4}}))"
    rf"(?:(?:T|,? (?:at )?){_TIME})?"
    r"|\b(?P<epoch>1\d{9})(?:\d{3}|\.\d{1,9})?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What may differ between a recorded run and its replay."""

    #: Ids and dates that came from outside, in lower case.
    known: frozenset[str] = frozenset()
    #: The time of the run; None tolerates no clock.
    around: datetime | None = None

    def masked(self, text: str) -> str:
        """Return the text with fresh ids as places, and clocks as days from the run's own."""
        places: dict[str, str] = {}

        def place(found: re.Match[str]) -> str:
            name = found[0].lower()
            return found[0] if name in self.known else places.setdefault(name, f"<id {len(places)}>")

        return _CLOCKS.sub(self._day, _IDS.sub(place, text))

    def _day(self, found: re.Match[str]) -> str:
        day = _date(found)
        if day is None or self.around is None or found[0].lower() in self.known:
            return found[0]
        days = (day - self.around.astimezone(UTC).date()).days
        return f"<day {days:+d}>" if abs(days) <= MAX_DAYS else found[0]


def named(texts: Iterable[str]) -> frozenset[str]:
    """Return the ids and dates that the texts name, as `Tolerance.known` takes them."""
    patterns = (_IDS, _CLOCKS)
    return frozenset(found[0].lower() for text in texts for pattern in patterns for found in pattern.finditer(text))


def _date(found: re.Match[str]) -> date | None:
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        if found["epoch"]:
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(found["epoch"]))).date()
        month = (found["month"] or found["month2"]).lower()[:3]
        number = next(place for place, name in enumerate(_MONTHS, start=1) if name.startswith(month))
        return date(int(found["year"] or found["year2"]), number, int(found["day"] or found["day2"]))
    except ValueError:  # the thirtieth of February
        return None
