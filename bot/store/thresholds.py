"""Thresholds: where those that move by a rule stand, each time that they moved."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.columns import moment
from webhooks.searched import microseconds

_ALL = sa.text("""
    SELECT repository, agent, name, value, reason, since FROM thresholds WHERE tenant = :tenant
    ORDER BY repository, agent, name, since
""")
_LAST = sa.text("""
    SELECT value FROM thresholds
    WHERE tenant = :tenant AND repository = :repository AND agent = :agent AND name = :name
    ORDER BY since DESC LIMIT 1
""")
_NOTE = sa.text("""
    INSERT INTO thresholds (tenant, repository, agent, name, since, value, reason)
    VALUES (:tenant, :repository, :agent, :name, :since, :value, :reason)
    ON CONFLICT (tenant, repository, agent, name, since) DO NOTHING
""")


class Threshold(NamedTuple):
    """Where one threshold of an agent stands since a time."""

    repository: str
    agent: str
    #: "autonomy" or "guard runs".
    name: str
    value: str
    #: The counts that the rule was given; one sentence of ours.
    reason: str
    #: Aware, UTC.
    since: datetime


def note_threshold(connection: sa.Connection, tenant: str, threshold: Threshold) -> bool:
    """Note where a threshold stands; False when it stood there already."""
    row = {"tenant": tenant, **threshold._asdict(), "since": microseconds(threshold.since)}
    if connection.scalar(_LAST, row) == threshold.value:
        return False
    return connection.execute(_NOTE, row).rowcount > 0


def thresholds(connection: sa.Connection, tenant: str) -> list[Threshold]:
    """Return every move of every threshold, those of one together, oldest first."""
    rows = connection.execute(_ALL, {"tenant": tenant})
    return [
        Threshold(row.repository, row.agent, row.name, row.value, row.reason, since=moment(row.since)) for row in rows
    ]
