"""Remarks: what reviewers say of our pull requests, and the round in which each was answered."""

from collections.abc import Iterable

import sqlalchemy as sa

from bot.remark import Remark
from bot.store.codec import from_json, to_json
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO remarks (tenant, remark_id, head_branch, told_at, record)
    VALUES (:tenant, :remark_id, :head_branch, :told_at, :record)
    ON CONFLICT (tenant, remark_id) DO NOTHING
""")
_UNANSWERED = sa.text("""
    SELECT record FROM remarks WHERE tenant = :tenant AND head_branch = :head_branch AND round IS NULL
    ORDER BY told_at, remark_id
""")
_ANSWERED = sa.text("""
    SELECT record FROM remarks WHERE tenant = :tenant AND head_branch = :head_branch AND round IS NOT NULL
    ORDER BY told_at, remark_id
""")
_ROUNDS = sa.text("SELECT max(round) FROM remarks WHERE tenant = :tenant AND head_branch = :head_branch")
_ANSWER = sa.text("UPDATE remarks SET round = :round WHERE tenant = :tenant AND remark_id = :remark_id")


def keep_remark(connection: sa.Connection, tenant: str, remark: Remark) -> bool:
    """Keep a remark; False when it is known already."""
    row = {
        "tenant": tenant,
        "remark_id": remark.id,
        "head_branch": remark.head_branch,
        "told_at": microseconds(remark.told_at),
        "record": to_json(remark),
    }
    return connection.execute(_KEEP, row).rowcount > 0


def unanswered_remarks(connection: sa.Connection, tenant: str, head_branch: str) -> list[Remark]:
    """Return what was said of a pull request and is not answered yet, oldest first."""
    records = connection.scalars(_UNANSWERED, {"tenant": tenant, "head_branch": head_branch})
    return [from_json(Remark, record) for record in records]


def answered_remarks(connection: sa.Connection, tenant: str, head_branch: str) -> list[Remark]:
    """Return what was said of a pull request and was answered, oldest first."""
    records = connection.scalars(_ANSWERED, {"tenant": tenant, "head_branch": head_branch})
    return [from_json(Remark, record) for record in records]


def review_rounds(connection: sa.Connection, tenant: str, head_branch: str) -> int:
    """Return how many times remarks on a pull request were answered."""
    return connection.scalar(_ROUNDS, {"tenant": tenant, "head_branch": head_branch}) or 0


def mark_answered(connection: sa.Connection, tenant: str, remarks: Iterable[Remark], *, number: int) -> None:
    """Note that remarks were answered in the round with this number, from 1."""
    for remark in remarks:
        connection.execute(_ANSWER, {"tenant": tenant, "remark_id": remark.id, "round": number})
