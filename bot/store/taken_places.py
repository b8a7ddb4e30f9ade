"""Taken places: kept before a pull request is opened, until it is noted or known not to be there."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.columns import moment
from webhooks.searched import microseconds

_TAKE = sa.text("""
    INSERT INTO places (tenant, proposal_id, repository, agent, taken_at)
    VALUES (:tenant, :proposal_id, :repository, :agent, :now)
    ON CONFLICT (tenant, proposal_id) DO NOTHING
""")
_ALL = sa.text("""
    SELECT proposal_id, repository, agent, taken_at FROM places WHERE tenant = :tenant ORDER BY taken_at, proposal_id
""")
_FREE = sa.text("DELETE FROM places WHERE tenant = :tenant AND proposal_id = :proposal_id")


class Place(NamedTuple):
    """A place among the pull requests, taken for a proposal."""

    proposal_id: str
    repository: str
    #: Name of the agent.
    agent: str
    #: Aware, UTC.
    taken_at: datetime


def take_place(
    connection: sa.Connection, tenant: str, *, proposal_id: str, repository: str, agent: str, now: datetime
) -> None:
    """Take a place for a proposal that is kept; one that it has already stays."""
    row = {"tenant": tenant, "proposal_id": proposal_id, "repository": repository, "agent": agent}
    connection.execute(_TAKE, {**row, "now": microseconds(now)})


def taken_places(connection: sa.Connection, tenant: str) -> list[Place]:
    """Return the places that are taken and not given back, oldest first."""
    rows = connection.execute(_ALL, {"tenant": tenant})
    return [Place(row.proposal_id, row.repository, row.agent, moment(row.taken_at)) for row in rows]


def free_place(connection: sa.Connection, tenant: str, proposal_id: str) -> None:
    """Give a place back: its pull request is noted by now, or there is none."""
    connection.execute(_FREE, {"tenant": tenant, "proposal_id": proposal_id})
