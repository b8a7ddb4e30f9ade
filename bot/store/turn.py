"""Turns: work that looks before it acts, and that two workers must not do at the same time."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

_LOCK = sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")

# On SQLite one process does all the work: its threads wait for each other.
_HERE: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@contextmanager
def turn(engine: sa.Engine, name: str) -> Iterator[None]:
    """Wait until nobody else has the turn of this name on this database, and have it as long as the block runs."""
    if engine.dialect.name == "sqlite":
        with _HERE[f"{engine.url.database}/{name}"]:
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(_LOCK, {"name": f"turn/{name}"})
            yield
        finally:
            connection.invalidate()  # the lock ends with the session, also when the process is killed
