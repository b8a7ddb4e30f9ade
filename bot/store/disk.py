"""Disk: whether there is room for more."""

import shutil
from pathlib import Path

import sqlalchemy as sa

from webhooks.errors import Unavailable

# SQLite folds its log into the database and needs room for both; and an operator needs room to mend things.
MIN_FREE_BYTES = 256 * 1024 * 1024


def check_space(engine: sa.Engine, min_free_bytes: int) -> None:
    """Raise Unavailable when the disk of a SQLite database has less free space than this.

    A PostgreSQL server's disk is not ours to see: it refuses the transaction itself.
    """
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        return
    free = shutil.disk_usage(Path(path).parent).free
    if free < min_free_bytes:
        raise Unavailable(f"the disk is nearly full: {free} bytes are free, {min_free_bytes} must stay so")
