"""Failures: what the detectors saw in each trace."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json, to_json
from clustering.failure import Failure
from clustering.kind import kind
from webhooks.searched import microseconds, searched, searched_or_none

_KEEP = sa.text("""
    INSERT INTO failures (tenant, trace_id, span_id, detector, service, occurred_at, kind, session_id, user_id, record)
    VALUES (:tenant, :trace_id, :span_id, :detector, :service, :occurred_at, :kind, :session_id, :user_id, :record)
    ON CONFLICT (tenant, trace_id, span_id, detector) DO UPDATE SET
        service = excluded.service, occurred_at = excluded.occurred_at, kind = excluded.kind,
        session_id = excluded.session_id, user_id = excluded.user_id, record = excluded.record
""")
_IDS_OF_TRACE = sa.text(
    "SELECT trace_id, span_id, detector FROM failures WHERE tenant = :tenant AND trace_id = :trace_id"
)
_KEEP_KIND = sa.text("""
    INSERT INTO failure_kinds (tenant, kind, description) VALUES (:tenant, :kind, :description)
    ON CONFLICT (tenant, kind) DO NOTHING
""")
_UNDESCRIBED = sa.text("""
    SELECT record FROM failures WHERE tenant = :tenant AND kind IS NULL
    ORDER BY occurred_at, trace_id, span_id, detector
""")
_DROP = sa.text("""
    DELETE FROM failures
    WHERE tenant = :tenant AND trace_id = :trace_id AND span_id = :span_id AND detector = :detector
""")
_ALL = sa.text("""
    SELECT record FROM failures WHERE tenant = :tenant ORDER BY occurred_at, trace_id, span_id, detector
""")
_OF_MODE = sa.text("""
    SELECT record FROM failures
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


def save_failures(
    connection: sa.Connection, tenant: str, trace_id: str, failures: Sequence[Failure], texts: Sequence[str]
) -> None:
    """Make these, with their descriptions, the failures of the trace; those that stay keep their failure mode."""
    known = connection.execute(_IDS_OF_TRACE, {"tenant": tenant, "trace_id": searched(trace_id)})
    stale = {FailureId(*row) for row in known} - {failure_id(failure) for failure in failures}
    _run(connection, _DROP, [{"tenant": tenant, **identity._asdict()} for identity in sorted(stale)])
    keep_described(connection, tenant, failures, texts)


def keep_described(connection: sa.Connection, tenant: str, failures: Sequence[Failure], texts: Sequence[str]) -> None:
    """Keep failures with their descriptions."""
    rows = [_row(tenant, failure, text) for failure, text in zip(failures, texts, strict=True)]
    kinds = {row["kind"]: text for row, text in zip(rows, texts, strict=True)}
    described = [{"tenant": tenant, "kind": kind, "description": json.dumps(kinds[kind])} for kind in sorted(kinds)]
    _run(connection, _KEEP_KIND, described)
    _run(connection, _KEEP, rows)


def undescribed(connection: sa.Connection, tenant: str) -> list[Failure]:
    """Return the failures that an earlier version kept without a description, oldest first."""
    return [from_json(Failure, record) for record in connection.scalars(_UNDESCRIBED, {"tenant": tenant})]


def failures(connection: sa.Connection, tenant: str) -> list[Failure]:
    """Return every failure, oldest first."""
    return [from_json(Failure, record) for record in connection.scalars(_ALL, {"tenant": tenant})]


def failures_of_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> list[Failure]:
    """Return the failures of a failure mode, oldest first."""
    records = connection.scalars(_OF_MODE, {"tenant": tenant, "failure_mode_id": failure_mode_id})
    return [from_json(Failure, record) for record in records]


def _row(tenant: str, failure: Failure, text: str) -> dict[str, Any]:
    return {
        "tenant": tenant,
        **failure_id(failure)._asdict(),
        "service": searched(failure.service),
        "occurred_at": microseconds(failure.occurred_at),
        "kind": kind(failure, text),
        "session_id": searched_or_none(failure.session_id),
        "user_id": searched_or_none(failure.user_id),
        "record": to_json(failure),
    }


def _run(connection: sa.Connection, statement: sa.TextClause, rows: Iterable[dict[str, Any]]) -> None:
    """Execute a statement once for each row; SQLAlchemy would execute it once for an empty list."""
    if listed := list(rows):
        connection.execute(statement, listed)
