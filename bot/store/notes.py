"""Notes: the parts of our comment below each pull request."""

import sqlalchemy as sa

_KEEP = sa.text("""
    INSERT INTO notes (tenant, head_branch, section, words) VALUES (:tenant, :head_branch, :section, :words)
    ON CONFLICT (tenant, head_branch, section) DO UPDATE SET words = excluded.words
""")
_ALL = sa.text("SELECT words FROM notes WHERE tenant = :tenant AND head_branch = :head_branch ORDER BY section")


def keep_note(connection: sa.Connection, tenant: str, head_branch: str, section: str, words: str) -> None:
    """Keep a part of the comment; the same section again replaces it."""
    connection.execute(_KEEP, {"tenant": tenant, "head_branch": head_branch, "section": section, "words": words})


def notes(connection: sa.Connection, tenant: str, head_branch: str) -> list[str]:
    """Return the parts of the comment on a pull request, always in the same order."""
    return list(connection.scalars(_ALL, {"tenant": tenant, "head_branch": head_branch}))
