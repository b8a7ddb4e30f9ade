"""Read a time as JSON sources write it: ISO 8601 text, or seconds or milliseconds since 1970."""

from datetime import UTC, datetime, timedelta

from webhooks.attributes import number
from webhooks.otlp_fields import EARLIEST_NS, EPOCH, LATEST_NS

EARLIEST, LATEST = (EPOCH + timedelta(microseconds=limit // 1000) for limit in (EARLIEST_NS, LATEST_NS))
#: What a route adds to a body that may say no time; it is no part of what was sent.
RECEIVED_AT = "received_at"
MILLISECONDS_FROM = 10**11  # as seconds this is the year 5138; as milliseconds, 1973


def read_time(value: object) -> datetime | None:
    """Return an aware time, UTC; None for what is not a time between the years 2000 and 2200."""
    found = _from_text(value) if isinstance(value, str) else _from_number(value)
    return found if found is not None and EARLIEST <= found < LATEST else None


def _from_text(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_number(value: object) -> datetime | None:
    seconds = number(value)
    if seconds is None:
        return None
    try:
        return EPOCH + timedelta(seconds=seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds)
    except OverflowError:
        return None
