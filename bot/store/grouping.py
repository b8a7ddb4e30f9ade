"""Grouping: a few failures stand for each kind, and what holds for them is written for all, inside the database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json
from bot.store.failure_modes import keep_modes
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from webhooks.searched import searched

# Enough for the examples that a failure mode shows: of each kind, where there are few, and the first of each, which a
# mode's id is made of.
NEWEST = 5
# Whom a mode reaches is counted anew with each change while it has fewer failures than this, then when it has grown or
# shrunk by this share: counting takes eight CPU seconds a million.
LARGE = 10_000
ROUGHLY = 0.1

_PLACE = """FROM failures g
    WHERE g.tenant = :tenant AND g.failure_mode_id = places.failure_mode_id AND g.kind = places.kind"""
_LATEST = f"{_PLACE} ORDER BY g.occurred_at DESC, g.trace_id DESC LIMIT 1"
_FIRST = f"{_PLACE} ORDER BY g.occurred_at, g.trace_id LIMIT 1"
_MORE = f"""{_PLACE} AND places.n_kinds < :newest
    ORDER BY g.occurred_at DESC, g.trace_id DESC LIMIT :newest"""
# Each database has its own way to look up a few rows for each row of another table.
_FEW = {
    "sqlite": f"""JOIN failures f ON f.rowid IN (
        SELECT rowid FROM (SELECT g.rowid {_LATEST})
        UNION SELECT rowid FROM (SELECT g.rowid {_FIRST})
        UNION SELECT rowid FROM (SELECT g.rowid {_MORE}))
    """,  # noqa: S608  # all ours
    "postgresql": f"""CROSS JOIN LATERAL (
        (SELECT g.* {_LATEST}) UNION (SELECT g.* {_FIRST}) UNION (SELECT g.* {_MORE})) f
    """,
}
_SAMPLE = {
    dialect: sa.text(f"""
        WITH places AS (
            SELECT failure_mode_id, kind, count(*) AS n, count(*) OVER (PARTITION BY failure_mode_id) AS n_kinds
            FROM failures
            WHERE tenant = :tenant AND kind IS NOT NULL GROUP BY failure_mode_id, kind
        )
        SELECT f.record, f.kind, k.description, f.failure_mode_id, places.n
        FROM places {few} JOIN failure_kinds k ON k.tenant = :tenant AND k.kind = places.kind
        ORDER BY f.occurred_at, f.trace_id, f.span_id, f.detector
    """)  # noqa: S608  # all ours
    for dialect, few in _FEW.items()
}
_MOVE = sa.text("""
    UPDATE failures SET failure_mode_id = :after
    WHERE tenant = :tenant AND failure_mode_id = :before AND kind = :kind
""")
_SIZES = sa.text("""
    SELECT failure_mode_id, count(*) AS n FROM failures WHERE tenant = :tenant AND failure_mode_id <> ''
    GROUP BY failure_mode_id
""")
_COUNTED = sa.text("""
    SELECT failure_mode_id, n_counted, n_traces, n_sessions, n_users FROM failure_modes WHERE tenant = :tenant
""")
_REACHED = sa.text("""
    SELECT count(DISTINCT trace_id) AS n_traces, count(DISTINCT session_id) AS n_sessions,
           count(DISTINCT user_id) AS n_users
    FROM failures WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_NOTE_COUNTED = sa.text("""
    UPDATE failure_modes SET n_counted = :n WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_EMPTY = sa.text("""
    UPDATE failure_modes SET n_traces = 0, n_sessions = 0, n_users = 0, exemplars = '[]', n_counted = -1
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_MERGE = sa.text("""
    UPDATE failures SET failure_mode_id = :target WHERE tenant = :tenant AND failure_mode_id = :source
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
    """Return the latest failure of each kind and failure mode, a few where it has few kinds, and the first.

    They are ordered by time.
    """
    return [
        Sampled(
            failure=from_json(Failure, row.record),
            kind=row.kind,
            text=json.loads(row.description),
            failure_mode_id=row.failure_mode_id or None,
            n=row.n,
        )
        for row in connection.execute(_SAMPLE[connection.dialect.name], {"tenant": tenant, "newest": NEWEST})
    ]


def save_grouping(connection: sa.Connection, tenant: str, modes: Sequence[FailureMode], moves: Sequence[Move]) -> None:
    """Keep the modes and move the failures; count anew whom each mode reaches that has more or fewer of them now.

    Large modes are not counted for each failure that comes: see `ROUGHLY`.
    """
    if moves:
        connection.execute(_MOVE, [{"tenant": tenant, **move._asdict(), "before": move.before or ""} for move in moves])
    sizes: dict[str, int] = {row.failure_mode_id: row.n for row in connection.execute(_SIZES, {"tenant": tenant})}
    counted = {row.failure_mode_id: row for row in connection.execute(_COUNTED, {"tenant": tenant})}
    changed = {place for move in moves if move.before for place in (move.before, move.after)}
    changed |= {mode_id for mode_id, n in sizes.items() if _is_to_count(counted.get(mode_id), n)}
    known = {mode_id: _counts(row) for mode_id, row in counted.items()}
    known |= {mode_id: _reached(connection, tenant, mode_id) for mode_id in changed & sizes.keys()}
    keep_modes(connection, tenant, [replace(mode, **known.get(mode.id, {})) for mode in modes])
    for mode_id in sorted(changed & sizes.keys()):
        connection.execute(_NOTE_COUNTED, {"tenant": tenant, "failure_mode_id": mode_id, "n": sizes[mode_id]})
    for left in sorted(changed - sizes.keys()):
        connection.execute(_EMPTY, {"tenant": tenant, "failure_mode_id": left})


def _reached(connection: sa.Connection, tenant: str, mode_id: str) -> dict[str, Any]:
    return _counts(connection.execute(_REACHED, {"tenant": tenant, "failure_mode_id": mode_id}).one())


def _is_to_count(counted: sa.Row[Any] | None, n: int) -> bool:
    """Say whether a mode that has `n` failures now is to be counted anew."""
    if counted is None or counted.n_counted < 0:
        return True
    n_counted: int = counted.n_counted
    return abs(n - n_counted) > (ROUGHLY * n_counted if n >= LARGE else 0)


def _counts(row: sa.Row[Any]) -> dict[str, Any]:
    """Return whom a failure mode reaches."""
    return {"n_traces": row.n_traces, "n_sessions": row.n_sessions, "n_users": row.n_users}


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
