"""Size: how many bytes everything that is kept takes, when it came, and giving them back to the disk."""

from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.batches import NUMBERS_PER_MICROSECOND
from bot.store.columns import moment
from bot.store.prune import Rest, resting

HOUR = timedelta(hours=1)
_NUMBERS_PER_HOUR = round(HOUR.total_seconds()) * 1_000_000 * NUMBERS_PER_MICROSECOND
# A file of PostgreSQL's never gets smaller by deleting rows, whose room is used again: so rows are counted. Measured
# with 20,000 spans in 2,000 traces, their keys and indexes included: 343 and 290 bytes.
BYTES_PER_SPAN, BYTES_PER_TRACE = 350, 350
PAGES_AT_ONCE = 500

_BODIES = sa.text("SELECT COALESCE(sum(length(body)), 0) FROM batches")
_ROWS = sa.text("SELECT count(*) AS n_traces, COALESCE(sum(n_spans), 0) AS n_spans FROM traces")
_BY_HOUR = sa.text(f"""
    SELECT batch / {_NUMBERS_PER_HOUR} AS hour, sum(length(body)) AS n_bytes FROM batches GROUP BY 1 ORDER BY 1
""")  # noqa: S608  # ours
_OLDEST = sa.text("SELECT min(first_received_at) FROM traces")


class Hour(NamedTuple):
    """What came in one hour."""

    end: datetime
    #: Of the bodies, and the rows' share.
    n_bytes: float


class Size(NamedTuple):
    """What everything of all tenants takes."""

    n_bytes: int
    #: When the first span of the oldest trace came; None when there is none.
    oldest: datetime | None


def size(connection: sa.Connection) -> Size:
    """Measure what is kept: the pages of SQLite in use; on PostgreSQL the bodies, and an estimate of the rows."""
    oldest = connection.scalar(_OLDEST)
    return Size(_used(connection), None if oldest is None else moment(oldest))


def by_hour(connection: sa.Connection) -> list[Hour]:
    """Return how the size came about, the oldest hour first."""
    found = [(int(hour), int(n_bytes)) for hour, n_bytes in connection.execute(_BY_HOUR)]
    share = _used(connection) / max(1, sum(n_bytes for _, n_bytes in found))
    return [Hour(moment((hour + 1) * round(HOUR.total_seconds()) * 1_000_000), n * share) for hour, n in found]


def shrink(engine: sa.Engine, *, rest: Rest) -> None:
    """Give the free pages of a SQLite file back to the disk, a few at a time."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        free = _pragma(connection, "freelist_count")
        while free:
            resting(rest, lambda: _script(connection, f"PRAGMA incremental_vacuum({PAGES_AT_ONCE});"))
            free, before = _pragma(connection, "freelist_count"), free
            if free >= before:  # made without auto_vacuum, or as much comes free meanwhile
                break
        _script(connection, "PRAGMA wal_checkpoint(PASSIVE);")


def _used(connection: sa.Connection) -> int:
    if connection.dialect.name == "sqlite":
        n_pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
        return n_pages * _pragma(connection, "page_size")
    rows = connection.execute(_ROWS).one()
    bodies = int(connection.scalar(_BODIES) or 0)
    return bodies + int(rows.n_spans) * BYTES_PER_SPAN + int(rows.n_traces) * BYTES_PER_TRACE


def _pragma(connection: sa.Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)


def _script(connection: sa.Connection, sql: str) -> None:
    """Run to its end what returns rows without columns, of which the driver would only take the first."""
    raw = connection.connection.driver_connection
    raw.executescript(sql)  # type: ignore[union-attr]  # of sqlite3
