"""The queue: failure modes that wait for a place among the pull requests, or for somebody to ask for a fix."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.store.columns import moment
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO waiting (tenant, failure_mode_id, repository, agent, base_sha, reason, waiting_since)
    VALUES (:tenant, :failure_mode_id, :repository, :agent, :base_sha, :reason, :now)
    ON CONFLICT (tenant, failure_mode_id) DO UPDATE SET
        repository = excluded.repository, agent = excluded.agent, base_sha = excluded.base_sha, reason = excluded.reason
""")
_ASK = sa.text("""
    UPDATE waiting SET asked_at = :now
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id AND asked_at IS NULL
""")
_ALL = sa.text("SELECT * FROM waiting WHERE tenant = :tenant ORDER BY waiting_since, failure_mode_id")
_DROP = sa.text("DELETE FROM waiting WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A failure mode in the queue."""

    failure_mode_id: str
    repository: str
    #: Name of the agent.
    agent: str
    #: The commit that its verified fix starts from; empty when nothing was drafted.
    base_sha: str
    #: One sentence.
    reason: str
    #: When a person asked for it to go out; None when nobody did. Aware, UTC.
    asked_at: datetime | None = None


def wait(connection: sa.Connection, tenant: str, waiting: Waiting, *, now: datetime) -> None:
    """Put a failure mode into the queue; one that is there keeps its place, and what was asked for."""
    row = {
        "tenant": tenant,
        "failure_mode_id": waiting.failure_mode_id,
        "repository": waiting.repository,
        "agent": waiting.agent,
        "base_sha": waiting.base_sha,
        "reason": waiting.reason,
        "now": microseconds(now),
    }
    connection.execute(_KEEP, row)


def ask(connection: sa.Connection, tenant: str, failure_mode_id: str, *, now: datetime) -> bool:
    """Note that a person wants this one to go out now; False when it was asked for already, or does not wait."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "now": microseconds(now)}
    return connection.execute(_ASK, row).rowcount > 0


def waiting(connection: sa.Connection, tenant: str) -> list[Waiting]:
    """Return the queue, the longest waiting first."""
    return [
        Waiting(
            failure_mode_id=row.failure_mode_id,
            repository=row.repository,
            agent=row.agent,
            base_sha=row.base_sha,
            reason=row.reason,
            asked_at=None if row.asked_at is None else moment(row.asked_at),
        )
        for row in connection.execute(_ALL, {"tenant": tenant})
    ]


def stop_waiting(connection: sa.Connection, tenant: str, failure_mode_id: str) -> None:
    """Take a failure mode out of the queue."""
    connection.execute(_DROP, {"tenant": tenant, "failure_mode_id": failure_mode_id})
