"""Repositories: where the code of a tenant's agents lives, and what GitHub says of them."""

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from bot.store.everything import rename_repository
from bot.store.pull_requests import pull_requests, rewrite_pull_request
from webhooks.searched import microseconds

_CONNECT = sa.text("""
    INSERT INTO repositories (tenant, repository, connected_at) VALUES (:tenant, :repository, :now)
    ON CONFLICT (tenant, repository) DO UPDATE SET gone = 0
""")
_ALL = sa.text("""
    SELECT repository FROM repositories JOIN tenants USING (tenant)
    WHERE tenant = :tenant AND gone = 0 AND suspended = 0 AND uninstalled_at IS NULL
    ORDER BY connected_at, repository
""")
_TELL = sa.text("""
    INSERT INTO repositories (tenant, repository, connected_at, github_id, private, gone, told_at)
    VALUES (:tenant, :repository, :now, :github_id, :private, :gone, :told_at)
    ON CONFLICT (tenant, repository) DO UPDATE SET
        github_id = COALESCE(excluded.github_id, repositories.github_id),
        private = COALESCE(excluded.private, repositories.private),
        gone = excluded.gone,
        told_at = CASE WHEN excluded.told_at = 0 THEN repositories.told_at ELSE excluded.told_at END
    WHERE excluded.told_at = 0 OR repositories.told_at <= excluded.told_at
""")
_NAMED = sa.text("""
    SELECT repository FROM repositories
    WHERE tenant = :tenant AND github_id = :github_id AND repository <> :repository
""")
_SAME_NAME = sa.text("""
    SELECT repository FROM repositories WHERE tenant = :tenant AND lower(repository) = lower(:repository)
""")
_LEAVE_ELSEWHERE = sa.text("UPDATE repositories SET gone = 1 WHERE github_id = :github_id AND tenant <> :tenant")
_IS_PRIVATE = sa.text("SELECT private FROM repositories WHERE tenant = :tenant AND repository = :repository")
_UNASKED = sa.text("""
    SELECT repository FROM repositories JOIN tenants USING (tenant)
    WHERE tenant = :tenant AND gone = 0 AND suspended = 0 AND uninstalled_at IS NULL AND asked_at IS NULL
    ORDER BY connected_at, repository
""")
_MARK_ASKED = sa.text("""
    UPDATE repositories SET asked_at = :now WHERE tenant = :tenant AND repository = :repository AND asked_at IS NULL
""")
_DROP = sa.text("DELETE FROM repositories WHERE tenant = :tenant AND repository = :repository")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a delivery of GitHub's says of a repository."""

    #: "owner/name", as it is called now.
    repository: str
    github_id: int | None = None
    #: None when it does not say.
    private: bool | None = None
    #: Out of the installation, archived, deleted or transferred.
    gone: bool = False


def connect(connection: sa.Connection, tenant: str, repository: str, *, now: datetime) -> None:
    """Note that a repository belongs to a tenant; a second time changes nothing."""
    connection.execute(_CONNECT, {"tenant": tenant, "repository": repository, "now": microseconds(now)})


def repositories(connection: sa.Connection, tenant: str) -> list[str]:
    """Return a tenant's repositories that there may be work on, the first connected first."""
    return list(connection.scalars(_ALL, {"tenant": tenant}))


def tell(connection: sa.Connection, tenant: str, told: Told, *, told_at: datetime | None, now: datetime) -> None:
    """Note what GitHub says of a repository, known by its number where that is known.

    What was true at `told_at` changes nothing when something newer is known; None is not compared.
    """
    key = {"tenant": tenant, "repository": told.repository, "github_id": told.github_id}
    for old in connection.scalars(_NAMED, key).all():
        rename(connection, tenant, old, told.repository)
    known = connection.scalar(_SAME_NAME, key)
    row = {
        **key,
        "repository": known or told.repository,
        "private": None if told.private is None else int(told.private),
        "gone": int(told.gone),
        "told_at": 0 if told_at is None else microseconds(told_at),
        "now": microseconds(now),
    }
    connection.execute(_TELL, row)


def rename(connection: sa.Connection, tenant: str, old: str, new: str) -> None:
    """Write a repository's new name wherever the old one is kept; where both are known, what the new one has stays."""
    names = set(connection.scalars(_SAME_NAME, {"tenant": tenant, "repository": new}))
    if old in names or not connection.scalar(_SAME_NAME, {"tenant": tenant, "repository": old}):
        return
    if names:
        connection.execute(_DROP, {"tenant": tenant, "repository": old})
    rename_repository(connection, tenant, old, new)
    for opened in pull_requests(connection, tenant):
        if opened.pull_request.repository == old:
            rewrite_pull_request(connection, tenant, replace(opened.pull_request, repository=new))


def known_name(connection: sa.Connection, tenant: str, repository: str) -> str | None:
    """Return a connected repository's name as it is kept, gone or not; GitHub's names ignore case."""
    known: str | None = connection.scalar(_SAME_NAME, {"tenant": tenant, "repository": repository})
    return known


def leave_elsewhere(connection: sa.Connection, tenant: str, github_id: int) -> None:
    """Note that a repository is no other tenant's any more."""
    connection.execute(_LEAVE_ELSEWHERE, {"tenant": tenant, "github_id": github_id})


def is_private(connection: sa.Connection, tenant: str, repository: str) -> bool | None:
    """Return whether a repository is private, None while it is not known."""
    private = connection.scalar(_IS_PRIVATE, {"tenant": tenant, "repository": repository})
    return None if private is None else bool(private)


def unasked(connection: sa.Connection, tenant: str) -> list[str]:
    """Return the repositories whose configuration was neither proposed nor found yet."""
    return list(connection.scalars(_UNASKED, {"tenant": tenant}))


def mark_asked(connection: sa.Connection, tenant: str, repository: str, *, now: datetime) -> None:
    """Note that a repository's configuration was proposed or found."""
    connection.execute(_MARK_ASKED, {"tenant": tenant, "repository": repository, "now": microseconds(now)})
