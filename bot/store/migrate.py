"""Bring the schema up to date: numbered SQL files, each applied once, in one transaction.

`NNNN_name.sql` is for both databases; `NNNN_name.postgresql.sql` is what only PostgreSQL can, nothing on SQLite.
"""

from collections.abc import Iterable
from importlib.resources import files

import sqlalchemy as sa

from bot.errors import NewerSchema
from bot.store.transaction import writing

# The same number in every process, so that two workers that start together migrate one after the other.
MIGRATION_LOCK = 7_238_410_551
# The one clause of the migrations that only SQLite knows, which keeps such a table in its primary key's order, without
# a second copy of the key: https://www.sqlite.org/withoutrowid.html
ROWIDLESS = " WITHOUT ROWID"

_CREATE_LIST = sa.text("CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY)")
_APPLIED = sa.text("SELECT name FROM migrations")
_RECORD = sa.text("INSERT INTO migrations (name) VALUES (:name)")


def migrate(engine: sa.Engine) -> list[str]:
    """Apply the migrations that the database does not have yet and return their names, oldest first.

    Raises
    ------
    NewerSchema
        The database has a migration that this version does not know.

    """
    known = read_migrations()
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        connection.execute(_CREATE_LIST)
        applied = set(connection.scalars(_APPLIED))
    if unknown := applied - known.keys():
        raise NewerSchema(f"the database has migration {max(unknown)!r}, this version ends at {max(known)!r}")
    return [name for name, sql in known.items() if name not in applied and _apply(engine, name, sql)]


def read_migrations() -> dict[str, str]:
    """Return the SQL of every migration by name, oldest first."""
    folder = files("bot.store") / "migrations"
    found = (entry for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return {entry.name.removesuffix(".sql"): entry.read_text("utf-8") for entry in sorted(found, key=lambda e: e.name)}


def statements(sql: str, *, dialect: str) -> Iterable[str]:
    """Split a migration at the semicolons that end a line; our files hold no other kind."""
    code = "\n".join(line for line in sql.splitlines() if not line.lstrip().startswith("--"))
    parts = (part.strip() for part in f"{code}\n".split(";\n") if part.strip())
    return parts if dialect == "sqlite" else (part.removesuffix(ROWIDLESS) for part in parts)


def _apply(engine: sa.Engine, name: str, sql: str) -> bool:
    """Apply one migration; False when another process did so meanwhile."""
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        if name in set(connection.scalars(_APPLIED)):
            return False
        if _is_for(name, connection.dialect.name):
            for statement in statements(sql, dialect=connection.dialect.name):
                connection.exec_driver_sql(statement)
        connection.execute(_RECORD, {"name": name})
    return True


def _is_for(name: str, dialect: str) -> bool:
    _, _, only = name.partition(".")
    return not only or only == dialect
