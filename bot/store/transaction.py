"""Transactions: all of a change or none of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Commit what the block does at its end, or undo all of it; on SQLite the write lock is taken at once."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # The driver begins a transaction only before INSERT, UPDATE and DELETE: not before a SELECT that a later
            # write relies on, and not before CREATE TABLE.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
