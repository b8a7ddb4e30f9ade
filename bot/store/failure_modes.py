"""Failure modes and which failure belongs to which."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from bot.store.columns import moment
from bot.store.failures import FailureId
from clustering.failure_mode import FailureMode, Status
from webhooks.searched import microseconds

FLOAT32 = np.dtype("<f4")

_KEEP = sa.text("""
    INSERT INTO failure_modes (tenant, failure_mode_id, title, status, detector, failure_key, centroid, exemplars,
                               n_traces, n_sessions, n_users, first_seen, last_seen,
                               service, owner, ancestors)
    VALUES (:tenant, :failure_mode_id, :title, :status, :detector, :failure_key, :centroid, :exemplars,
            :n_traces, :n_sessions, :n_users, :first_seen, :last_seen,
            :service, :owner, :ancestors)
    ON CONFLICT (tenant, failure_mode_id) DO UPDATE SET
        title = excluded.title, status = excluded.status, detector = excluded.detector,
        failure_key = excluded.failure_key, centroid = excluded.centroid, exemplars = excluded.exemplars,
        n_traces = excluded.n_traces, n_sessions = excluded.n_sessions, n_users = excluded.n_users,
        first_seen = excluded.first_seen, last_seen = excluded.last_seen, service = excluded.service,
        owner = excluded.owner, ancestors = excluded.ancestors
""")
_DROP_MEMBERS = sa.text(
    "UPDATE failures SET failure_mode_id = '' WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id"
)
_KEEP_MEMBER = sa.text("""
    UPDATE failures SET failure_mode_id = :failure_mode_id
    WHERE tenant = :tenant AND trace_id = :trace_id AND span_id = :span_id AND detector = :detector
""")
_ALL = sa.text("SELECT * FROM failure_modes WHERE tenant = :tenant ORDER BY n_traces DESC, failure_mode_id")
_GET = sa.text("SELECT * FROM failure_modes WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id")
_SET_TITLE = sa.text(
    "UPDATE failure_modes SET title = :title WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id"
)
_SET_STATUS = sa.text(
    "UPDATE failure_modes SET status = :status WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id"
)
_MEMBERS = sa.text("""
    SELECT trace_id, span_id, detector, failure_mode_id FROM failures WHERE tenant = :tenant AND failure_mode_id <> ''
    ORDER BY trace_id, span_id, detector
""")
_WITH_MEMBERS = sa.text(
    "SELECT DISTINCT failure_mode_id FROM failures WHERE tenant = :tenant AND failure_mode_id <> ''"
)
_TRACES = sa.text("""
    SELECT trace_id FROM failures
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
    GROUP BY trace_id ORDER BY max(occurred_at) DESC, trace_id LIMIT :limit
""")


def save_modes(
    connection: sa.Connection,
    tenant: str,
    modes: Sequence[FailureMode],
    members: Mapping[str, Iterable[FailureId | tuple[str, str, str]]],
) -> None:
    """Keep these failure modes and make `members`, by failure mode id, their members.

    Modes that are not given stay as they are, but for failures that belong to a given one now.
    """
    if not modes:
        return
    keep_modes(connection, tenant, modes)
    connection.execute(_DROP_MEMBERS, [{"tenant": tenant, "failure_mode_id": mode.id} for mode in modes])
    rows = [
        {"tenant": tenant, "failure_mode_id": mode.id, **FailureId(*identity)._asdict()}
        for mode in modes
        for identity in members.get(mode.id, ())
    ]
    if rows:
        connection.execute(_KEEP_MEMBER, rows)


def keep_modes(connection: sa.Connection, tenant: str, modes: Sequence[FailureMode]) -> None:
    """Keep these failure modes and leave their members."""
    if modes:
        connection.execute(_KEEP, [_row(tenant, mode) for mode in modes])


def failure_modes(connection: sa.Connection, tenant: str) -> list[FailureMode]:
    """Return every failure mode, the one with most traces first."""
    return [_mode(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def failure_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> FailureMode | None:
    """Return one failure mode, or None."""
    row = connection.execute(_GET, {"tenant": tenant, "failure_mode_id": failure_mode_id}).one_or_none()
    return None if row is None else _mode(row)


def set_status(connection: sa.Connection, tenant: str, failure_mode_id: str, status: Status) -> None:
    """Note where a failure mode stands."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "status": status.value}
    connection.execute(_SET_STATUS, row)


def set_title(connection: sa.Connection, tenant: str, failure_mode_id: str, title: str) -> None:
    """Call a failure mode so."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "title": json.dumps(title)}
    connection.execute(_SET_TITLE, row)


def members(connection: sa.Connection, tenant: str) -> dict[FailureId, str]:
    """Return the failure mode id of every failure that has one."""
    rows = connection.execute(_MEMBERS, {"tenant": tenant})
    return {FailureId(*identity): failure_mode_id for *identity, failure_mode_id in rows}


def modes_with_members(connection: sa.Connection, tenant: str) -> frozenset[str]:
    """Return the failure modes that have any failure now."""
    return frozenset(connection.scalars(_WITH_MEMBERS, {"tenant": tenant}))


def traces_of_mode(connection: sa.Connection, tenant: str, failure_mode_id: str, *, limit: int) -> list[str]:
    """Return the traces that show a failure mode, the latest failure first."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "limit": limit}
    return list(connection.scalars(_TRACES, row))


def _row(tenant: str, mode: FailureMode) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "failure_mode_id": mode.id,
        "title": json.dumps(mode.title),
        "status": mode.status.value,
        "detector": mode.detector,
        "failure_key": json.dumps(mode.key),
        "centroid": mode.centroid.astype(FLOAT32).tobytes(),
        "exemplars": json.dumps(mode.exemplars),
        "n_traces": mode.n_traces,
        "n_sessions": mode.n_sessions,
        "n_users": mode.n_users,
        "first_seen": microseconds(mode.first_seen),
        "last_seen": microseconds(mode.last_seen),
        "service": json.dumps(mode.service),
        "owner": json.dumps(mode.owner),
        "ancestors": json.dumps(mode.ancestors),
    }


def _mode(row: sa.Row[Any]) -> FailureMode:
    return FailureMode(
        id=row.failure_mode_id,
        title=json.loads(row.title),
        status=Status(row.status),
        detector=row.detector,
        key=json.loads(row.failure_key),
        centroid=np.frombuffer(row.centroid, FLOAT32).astype(np.float32),
        exemplars=tuple((trace_id, span_id) for trace_id, span_id in json.loads(row.exemplars)),
        n_traces=row.n_traces,
        n_sessions=row.n_sessions,
        n_users=row.n_users,
        first_seen=moment(row.first_seen),
        last_seen=moment(row.last_seen),
        service=json.loads(row.service),
        owner=json.loads(row.owner),
        ancestors=tuple(json.loads(row.ancestors)),
    )
