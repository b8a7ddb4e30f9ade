"""Grouping: a few failures stand for each kind, and what holds for them is written for all, inside the database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json
from bot.store.failure_modes import keep_modes
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from webhooks.searched import searched

# Of each kind: enough for the examples that a failure mode shows, and the first, which its id is made of.
NEWEST = 5

_SAMPLE = sa.text("""
    WITH ranked AS (
        SELECT f.trace_id, f.span_id, f.detector, f.kind, m.failure_mode_id,
               row_number() OVER latest AS newest,
               row_number() OVER (PARTITION BY f.kind, m.failure_mode_id
                                  ORDER BY f.occurred_at, f.trace_id, f.span_id, f.detector) AS oldest,
               count(*) OVER (PARTITION BY f.kind, m.failure_mode_id) AS n
        FROM failures f LEFT JOIN failure_mode_members m
            ON m.tenant = f.tenant AND m.trace_id = f.trace_id AND m.span_id = f.span_id AND m.detector = f.detector
        WHERE f.tenant = :tenant AND f.kind IS NOT NULL
        WINDOW latest AS (PARTITION BY f.kind, m.failure_mode_id
                          ORDER BY f.occurred_at DESC, f.trace_id, f.span_id, f.detector)
    )
    SELECT f.record, f.kind, k.description, ranked.failure_mode_id, ranked.n
    FROM ranked
    JOIN failures f ON f.tenant = :tenant AND f.trace_id = ranked.trace_id AND f.span_id = ranked.span_id
        AND f.detector = ranked.detector
    JOIN failure_kinds k ON k.tenant = :tenant AND k.kind = ranked.kind
    WHERE ranked.newest <= :newest OR ranked.oldest = 1
    ORDER BY f.occurred_at, f.trace_id, f.span_id, f.detector
""")
_JOIN = sa.text("""
    INSERT INTO failure_mode_members (tenant, trace_id, span_id, detector, failure_mode_id)
    SELECT f.tenant, f.trace_id, f.span_id, f.detector, CAST(:after AS TEXT) FROM failures f
    WHERE f.tenant = :tenant AND f.kind = :kind AND NOT EXISTS (
        SELECT 1 FROM failure_mode_members m
        WHERE m.tenant = f.tenant AND m.trace_id = f.trace_id AND m.span_id = f.span_id AND m.detector = f.detector
    )
    ON CONFLICT (tenant, trace_id, span_id, detector) DO NOTHING
""")
_MOVE = sa.text("""
    UPDATE failure_mode_members SET failure_mode_id = :after
    WHERE tenant = :tenant AND failure_mode_id = :before AND EXISTS (
        SELECT 1 FROM failures f
        WHERE f.tenant = :tenant AND f.trace_id = failure_mode_members.trace_id
            AND f.span_id = failure_mode_members.span_id AND f.detector = failure_mode_members.detector
            AND f.kind = :kind
    )
""")
_REACHED = sa.text("""
    SELECT m.failure_mode_id, count(DISTINCT f.trace_id) AS n_traces, count(DISTINCT f.session_id) AS n_sessions,
           count(DISTINCT f.user_id) AS n_users, min(f.occurred_at) AS first_seen, max(f.occurred_at) AS last_seen
    FROM failures f JOIN failure_mode_members m
        ON m.tenant = f.tenant AND m.trace_id = f.trace_id AND m.span_id = f.span_id AND m.detector = f.detector
    WHERE f.tenant = :tenant GROUP BY m.failure_mode_id
""")
_COUNT = sa.text("""
    UPDATE failure_modes SET n_traces = :n_traces, n_sessions = :n_sessions, n_users = :n_users,
        first_seen = :first_seen, last_seen = :last_seen
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_EMPTY = sa.text("""
    UPDATE failure_modes SET n_traces = 0, n_sessions = 0, n_users = 0, exemplars = '[]'
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_MERGE = sa.text("""
    UPDATE failure_mode_members SET failure_mode_id = :target WHERE tenant = :tenant AND failure_mode_id = :source
""")
_SERVICES = sa.text("SELECT DISTINCT service FROM failures WHERE tenant = :tenant ORDER BY service")
_OWNERS = sa.text("SELECT service, owner FROM service_owners WHERE tenant = :tenant")
_KEEP_OWNER = sa.text("""
    INSERT INTO service_owners (tenant, service, owner) VALUES (:tenant, :service, :owner)
    ON CONFLICT (tenant, service) DO UPDATE SET owner = excluded.owner
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A failure that stands for others of its kind."""

    failure: Failure
    kind: str
    text: str
    #: The failure mode that it is in; None when it is in none yet.
    failure_mode_id: str | None
    #: How many failures of this kind are in that failure mode.
    n: int


class Move(NamedTuple):
    """What the failures of a kind that are in one failure mode, or in none, are in from now on."""

    kind: str
    before: str | None
    after: str


def sample(connection: sa.Connection, tenant: str) -> list[Sampled]:
    """Return the latest failures of each kind and failure mode, and the first, oldest first."""
    return [
        Sampled(
            failure=from_json(Failure, row.record),
            kind=row.kind,
            text=json.loads(row.description),
            failure_mode_id=row.failure_mode_id,
            n=row.n,
        )
        for row in connection.execute(_SAMPLE, {"tenant": tenant, "newest": NEWEST})
    ]


def save_grouping(connection: sa.Connection, tenant: str, modes: Sequence[FailureMode], moves: Sequence[Move]) -> None:
    """Keep the modes, move the failures, and count anew whom each mode reaches."""
    keep_modes(connection, tenant, modes)
    for move in moves:
        connection.execute(_JOIN if move.before is None else _MOVE, {"tenant": tenant, **move._asdict()})
    reached = {row.failure_mode_id: row for row in connection.execute(_REACHED, {"tenant": tenant})}
    for row in reached.values():
        connection.execute(_COUNT, {"tenant": tenant, **row._asdict()})
    for left in sorted({move.before for move in moves if move.before} - reached.keys()):
        connection.execute(_EMPTY, {"tenant": tenant, "failure_mode_id": left})


def merge_members(connection: sa.Connection, tenant: str, target: FailureMode, source: FailureMode) -> None:
    """Let the failures of one failure mode go into another."""
    keep_modes(connection, tenant, [replace(target, ancestors=(*target.ancestors, source.id))])
    connection.execute(_MERGE, {"tenant": tenant, "target": target.id, "source": source.id})
    connection.execute(_EMPTY, {"tenant": tenant, "failure_mode_id": source.id})


def services_that_failed(connection: sa.Connection, tenant: str) -> list[str]:
    """Return the services that have failures."""
    return list(connection.scalars(_SERVICES, {"tenant": tenant}))


def service_owners(connection: sa.Connection, tenant: str) -> dict[str, str]:
    """Return the last known owner of each service."""
    return {row.service: row.owner for row in connection.execute(_OWNERS, {"tenant": tenant})}


def keep_service_owners(connection: sa.Connection, tenant: str, owners: Mapping[str, str]) -> None:
    """Note who owns these services."""
    for service in sorted(owners):
        row = {"tenant": tenant, "service": searched(service), "owner": searched(owners[service])}
        connection.execute(_KEEP_OWNER, row)
