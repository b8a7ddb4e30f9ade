"""Days: on PostgreSQL a table for each day of batches, made ahead and dropped whole. SQLite has one table for all.

    batches ─┬─ batches_20261101   what came on that day
             ├─ batches_20261102
             └─ batches_rest       what came on a day without a table, and what outlives its day

Making or dropping a table needs the lock on all batches for a moment. When the receiver does not let go within a second
it is left for the next time: the receiver never waits for longer.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.batches import NUMBERS_PER_MICROSECOND
from bot.store.transaction import writing
from webhooks.searched import microseconds

#: What the names of the tables of days begin with; they are parts of `batches`, and never addressed themselves.
PREFIX = "batches_"
REST = "batches_rest"
AHEAD = 7  # days
# More batches than this that outlive their day are not moved, which would hold the lock: the others are deleted.
MAX_MOVED = 200
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"
log = logging.getLogger(__name__)

_TABLES = sa.text("""
    SELECT pg_class.relname FROM pg_inherits JOIN pg_class ON pg_class.oid = pg_inherits.inhrelid
    WHERE pg_inherits.inhparent = 'batches'::regclass ORDER BY pg_class.relname
""")
_HAS_REST = sa.text(f"SELECT EXISTS (SELECT 1 FROM {REST} WHERE batch >= :start AND batch < :end)")  # noqa: S608  # ours


class Day(NamedTuple):
    """The batches of one day, UTC: numbers from `start`, below `end`."""

    table: str
    start: int
    end: int


def number_at(moment: datetime) -> int:
    """Return the number of the first batch that may come at this time."""
    return microseconds(moment) * NUMBERS_PER_MICROSECOND


def create_ahead(engine: sa.Engine, *, now: datetime) -> list[str]:
    """Make the tables of today and the next days, but for days that have batches elsewhere; return their names."""
    if engine.dialect.name != "postgresql":
        return []
    with engine.connect() as connection:
        there = {day.table for day in _days(connection)}
    wanted = (_day(now + timedelta(days=ahead)) for ahead in range(AHEAD + 1))
    return [day.table for day in wanted if day.table not in there and _create(engine, day)]


def drop_before(engine: sa.Engine, before: datetime, *, kept: Collection[int]) -> int:
    """Drop the tables of the days that ended before a time, all but the batches of these numbers; return how many."""
    if engine.dialect.name != "postgresql":
        return 0
    with engine.connect() as connection:
        over = [day for day in _days(connection) if day.end <= number_at(before)]
    return sum(_drop(engine, day, [number for number in kept if day.start <= number < day.end]) for day in over)


def _days(connection: sa.Connection) -> Iterator[Day]:
    for table in connection.scalars(_TABLES).all():
        if table != REST:
            yield _day(datetime.strptime(table, f"{PREFIX}%Y%m%d").replace(tzinfo=UTC))


def _day(moment: datetime) -> Day:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Day(f"{PREFIX}{midnight:%Y%m%d}", number_at(midnight), number_at(midnight + timedelta(days=1)))


def _create(engine: sa.Engine, day: Day) -> bool:
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql(LOCK_TIMEOUT)
            if connection.scalar(_HAS_REST, {"start": day.start, "end": day.end}):
                return False
            connection.exec_driver_sql(
                f"CREATE TABLE IF NOT EXISTS {day.table} PARTITION OF batches"
                f" FOR VALUES FROM ({day.start}) TO ({day.end})"
            )
    except sa.exc.DBAPIError as error:  # busy, or another worker was faster; until there is a table, the rest takes it
        log.warning("the table %s is made later: %s", day.table, error.orig)
        return False
    return True


def _drop(engine: sa.Engine, day: Day, kept: Collection[int]) -> bool:
    if len(kept) > MAX_MOVED:
        return False
    try:
        with writing(engine) as connection:
            connection.exec_driver_sql(LOCK_TIMEOUT)
            connection.exec_driver_sql(f"ALTER TABLE batches DETACH PARTITION {day.table}")
            if kept:
                numbers = ", ".join(str(int(number)) for number in kept)
                moved = f"INSERT INTO batches SELECT * FROM {day.table} WHERE batch IN ({numbers})"  # noqa: S608  # ours
                connection.exec_driver_sql(moved)
            connection.exec_driver_sql(f"DROP TABLE {day.table}")
    except sa.exc.OperationalError as error:
        log.warning("the table %s is dropped later: %s", day.table, error.orig)
        return False
    return True
