"""Repositories: where the code of a tenant's agents lives."""

from datetime import datetime

import sqlalchemy as sa

from bot.store.columns import microseconds

_CONNECT = sa.text("""
    INSERT INTO repositories (tenant, repository, connected_at) VALUES (:tenant, :repository, :now)
    ON CONFLICT (tenant, repository) DO NOTHING
""")
_ALL = sa.text("SELECT repository FROM repositories WHERE tenant = :tenant ORDER BY connected_at, repository")


def connect(connection: sa.Connection, tenant: str, repository: str, *, now: datetime) -> None:
    """Note that a repository belongs to a tenant; a second time changes nothing."""
    connection.execute(_CONNECT, {"tenant": tenant, "repository": repository, "now": microseconds(now)})


def repositories(connection: sa.Connection, tenant: str) -> list[str]:
    """Return a tenant's repositories, the first connected first."""
    return list(connection.scalars(_ALL, {"tenant": tenant}))
