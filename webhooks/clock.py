"""The time, as the rest of the code is given it: functions take `now`, and this is what the entry points pass."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time, aware, UTC."""
    return datetime.now(UTC)
