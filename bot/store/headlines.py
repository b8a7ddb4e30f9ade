"""Headlines: a model's one-line diagnosis of each failing run, and whether failures were grouped by it yet."""

import json
from collections.abc import Container, Iterable, Sequence

import sqlalchemy as sa

from bot.store.codec import from_json
from bot.store.columns import chunks
from bot.store.failures import keep_described
from clustering.describe import SILENT, describe
from clustering.failure import Failure
from clustering.kind import kind
from webhooks.searched import searched
from webhooks.trace import Trace

_KEEP = sa.text("""
    INSERT INTO headlines (tenant, trace_id, line, grouped)
    SELECT tenant, trace_id, :line, :grouped FROM traces WHERE tenant = :tenant AND trace_id = :trace_id
    ON CONFLICT (tenant, trace_id) DO NOTHING
""")
_LINES = sa.text("SELECT trace_id, line FROM headlines WHERE tenant = :tenant AND trace_id IN :trace_ids").bindparams(
    sa.bindparam("trace_ids", expanding=True)
)
# One of each kind before a second of any, the latest first, so that a flood of one does not use up the budget. What
# people set aside, merged or split is not asked about: there their word counts, which holds by the kind.
_WANTED = sa.text("""
    WITH silent AS (
        SELECT f.trace_id, f.occurred_at,
            row_number() OVER (PARTITION BY f.kind ORDER BY f.occurred_at DESC, f.trace_id) AS place
        FROM failures f
        WHERE f.tenant = :tenant AND f.detector IN :detectors AND f.kind NOT IN :decided AND NOT EXISTS (
            SELECT 1 FROM headlines h WHERE h.tenant = f.tenant AND h.trace_id = f.trace_id
        ) AND NOT EXISTS (
            SELECT 1 FROM failure_modes m
            WHERE m.tenant = f.tenant AND m.failure_mode_id = f.failure_mode_id AND m.status = 'archived'
        )
    )
    SELECT trace_id FROM silent GROUP BY trace_id ORDER BY min(place), max(occurred_at) DESC, trace_id LIMIT :most
""").bindparams(sa.bindparam("detectors", expanding=True), sa.bindparam("decided", expanding=True))
_OF_TRACE = sa.text("""
    SELECT record FROM failures WHERE tenant = :tenant AND trace_id = :trace_id AND detector IN :detectors
    ORDER BY occurred_at, span_id, detector
""").bindparams(sa.bindparam("detectors", expanding=True))
_UNGROUPED = sa.text("SELECT trace_id FROM headlines WHERE tenant = :tenant AND grouped = 0 ORDER BY trace_id")
_MARK = sa.text("UPDATE headlines SET grouped = 1 WHERE tenant = :tenant AND trace_id IN :trace_ids").bindparams(
    sa.bindparam("trace_ids", expanding=True)
)


def keep_headline(connection: sa.Connection, tenant: str, trace: Trace, line: str, *, decided: Container[str]) -> None:
    """Keep the headline of a run, "" for none, and describe by it the silent failures of other kinds than `decided`."""
    row = {"tenant": tenant, "trace_id": searched(trace.trace_id), "line": json.dumps(line), "grouped": int(not line)}
    connection.execute(_KEEP, row)
    if line:
        told = silent_failures(connection, tenant, trace.trace_id)
        found = [failure for failure in told if kind(failure, describe(failure, trace)) not in decided]
        keep_described(connection, tenant, found, [describe(failure, trace, line) for failure in found])


def headlines(connection: sa.Connection, tenant: str, trace_ids: Sequence[str]) -> dict[str, str]:
    """Return the headlines of those of these runs that have one, by trace."""
    found: dict[str, str] = {}
    for chunk in chunks(map(searched, trace_ids)):
        rows = connection.execute(_LINES, {"tenant": tenant, "trace_ids": chunk})
        found |= {trace_id: json.loads(line) for trace_id, line in rows}
    return found


def without_headline(connection: sa.Connection, tenant: str, *, most: int, decided: Iterable[str]) -> list[str]:
    """Return the runs that were not asked about, in the order in which to ask.

    They have silent failures of other kinds than `decided`, which people merged or split.
    """
    # PostgreSQL compares no text with an empty list.
    row = {"tenant": tenant, "detectors": sorted(SILENT), "decided": ["", *sorted(decided)], "most": most}
    return list(connection.scalars(_WANTED, row))


def silent_failures(connection: sa.Connection, tenant: str, trace_id: str) -> list[Failure]:
    """Return the failures of a run that a headline tells, oldest first."""
    row = {"tenant": tenant, "trace_id": searched(trace_id), "detectors": sorted(SILENT)}
    return [from_json(Failure, record) for record in connection.scalars(_OF_TRACE, row)]


def ungrouped_headlines(connection: sa.Connection, tenant: str) -> list[str]:
    """Return the runs whose failures were described anew and not grouped since."""
    return list(connection.scalars(_UNGROUPED, {"tenant": tenant}))


def mark_grouped(connection: sa.Connection, tenant: str, trace_ids: Sequence[str]) -> None:
    """Note that the failures of these runs were grouped by their headlines."""
    for chunk in chunks(trace_ids):
        connection.execute(_MARK, {"tenant": tenant, "trace_ids": chunk})
