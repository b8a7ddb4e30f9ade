"""Open the database: SQLite by default, PostgreSQL where many workers share it."""

from pathlib import Path
from sqlite3 import Connection as SQLiteConnection

import sqlalchemy as sa
from sqlalchemy.pool import ConnectionPoolEntry

# As long as a stranger's slow disk may need for one commit; the receiver's client waits no longer than this.
BUSY_TIMEOUT_S = 10.0
# Nearly all that is written are bodies of a hundred kilobytes: in larger pages they take a quarter of the writes to the
# log, and of those back from it. A database that is there keeps the size that it was made with.
PAGE_BYTES = 16 * 1024
# What a group of batches changes stays in memory until its commit: beyond the two megabytes that are SQLite's own
# choice, a page goes to the log, is read back, changed, and goes there again.
CACHE_KIB = 16 * 1024


def open_engine(url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> sa.Engine:
    """Return an engine for a SQLAlchemy URL; on SQLite the folder is made and every commit reaches the disk.

    Parameters
    ----------
    url
        `sqlite:///path/to/file.db`, or `postgresql+psycopg://user:password@host/name` (a plain `postgresql://` means
        psycopg 3 too).
    busy_timeout_s
        Seconds that a write waits for another one on SQLite before it fails as "database is locked".

    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, busy_timeout_s)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(parsed, pool_pre_ping=True)


def _open_sqlite(url: sa.URL, busy_timeout_s: float) -> sa.Engine:
    if url.database and url.database != ":memory:":
        # What agents said to their users is nobody else's business on a shared machine.
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sa.create_engine(url)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: SQLiteConnection, _: ConnectionPoolEntry) -> None:
        # A deferred transaction that reads before it writes fails at once when another one wrote in between, whatever
        # the busy timeout; an immediate one waits.
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout = {round(busy_timeout_s * 1000)}")
        connection.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
        # Before the first page is written, which switching to WAL does: later it would need a VACUUM of everything.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine
