"""Failures: what the detectors saw in each trace."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json, to_json
from clustering.failure import Failure
from webhooks.searched import microseconds, searched

_KEEP = sa.text("""
    INSERT INTO failures (tenant, trace_id, span_id, detector, service, occurred_at, record)
    VALUES (:tenant, :trace_id, :span_id, :detector, :service, :occurred_at, :record)
    ON CONFLICT (tenant, trace_id, span_id, detector) DO UPDATE SET
        service = excluded.service, occurred_at = excluded.occurred_at, record = excluded.record
""")
_IDS_OF_TRACE = sa.text(
    "SELECT trace_id, span_id, detector FROM failures WHERE tenant = :tenant AND trace_id = :trace_id"
)
_DROP = sa.text("""
    DELETE FROM failures
    WHERE tenant = :tenant AND trace_id = :trace_id AND span_id = :span_id AND detector = :detector
""")
_ALL = sa.text("""
    SELECT record FROM failures WHERE tenant = :tenant ORDER BY occurred_at, trace_id, span_id, detector
""")
_OF_MODE = sa.text("""
    SELECT record FROM failures JOIN failure_mode_members USING (tenant, trace_id, span_id, detector)
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
    ORDER BY occurred_at, trace_id, span_id, detector
""")


class FailureId(NamedTuple):
    """Identity of a failure within a tenant."""

    trace_id: str
    span_id: str
    detector: str


def failure_id(failure: Failure) -> FailureId:
    """Return the identity of a failure as the columns hold it."""
    return FailureId(searched(failure.trace_id), searched(failure.span_id), searched(failure.detector))


def save_failures(connection: sa.Connection, tenant: str, trace_id: str, failures: Sequence[Failure]) -> None:
    """Make these the failures of the trace; those that stay keep their failure mode."""
    known = connection.execute(_IDS_OF_TRACE, {"tenant": tenant, "trace_id": searched(trace_id)})
    stale = {FailureId(*row) for row in known} - {failure_id(failure) for failure in failures}
    _run(connection, _DROP, [{"tenant": tenant, **identity._asdict()} for identity in sorted(stale)])
    _run(connection, _KEEP, [_row(tenant, failure) for failure in failures])


def failures(connection: sa.Connection, tenant: str) -> list[Failure]:
    """Return every failure, oldest first."""
    return [from_json(Failure, record) for record in connection.scalars(_ALL, {"tenant": tenant})]


def failures_of_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> list[Failure]:
    """Return the failures of a failure mode, oldest first."""
    records = connection.scalars(_OF_MODE, {"tenant": tenant, "failure_mode_id": failure_mode_id})
    return [from_json(Failure, record) for record in records]


def _row(tenant: str, failure: Failure) -> dict[str, Any]:
    return {
        "tenant": tenant,
        **failure_id(failure)._asdict(),
        "service": searched(failure.service),
        "occurred_at": microseconds(failure.occurred_at),
        "record": to_json(failure),
    }


def _run(connection: sa.Connection, statement: sa.TextClause, rows: Iterable[dict[str, Any]]) -> None:
    """Execute a statement once for each row; SQLAlchemy would execute it once for an empty list."""
    if listed := list(rows):
        connection.execute(statement, listed)
