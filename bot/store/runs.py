"""Runs: what each examined run took, what people said of it, and which constraints it met."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json
from clustering.constraints import Check
from webhooks.searched import microseconds, searched

#: Runs of one intent that fences are drawn from: the latest.
RECENT = 500

_KEEP = sa.text("""
    INSERT INTO runs (tenant, trace_id, intent, started_at, measures, rating)
    VALUES (:tenant, :trace_id, :intent, :started_at, :measures, :rating)
    ON CONFLICT (tenant, trace_id) DO UPDATE SET
        intent = excluded.intent, started_at = excluded.started_at, measures = excluded.measures,
        rating = excluded.rating
""")
_RECENT = sa.text("""
    SELECT measures FROM runs WHERE tenant = :tenant AND intent = :intent ORDER BY started_at DESC LIMIT :most
""")
_DROP_LOG = sa.text("DELETE FROM constraint_logs WHERE tenant = :tenant AND trace_id = :trace_id")
_KEEP_LOG = sa.text("""
    INSERT INTO constraint_logs (tenant, trace_id, record) VALUES (:tenant, :trace_id, :record)
""")
_LOG = sa.text("SELECT record FROM constraint_logs WHERE tenant = :tenant AND trace_id = :trace_id")


class Examined(NamedTuple):
    """What the examination of a run found beside its failures."""

    intent: str
    started_at: datetime
    #: See `clustering.outliers.measured`.
    measures: Mapping[str, float]
    #: 1: people or evaluators were content; -1: they were not; 0: nobody said.
    rating: int = 0
    #: The constraints that it met, step by step.
    checks: Sequence[Check] = ()


def keep_run(connection: sa.Connection, tenant: str, trace_id: str, run: Examined) -> None:
    """Keep what the examination of a run found; a second time replaces it."""
    key = {"tenant": tenant, "trace_id": searched(trace_id)}
    values = {
        "intent": searched(run.intent),
        "started_at": microseconds(run.started_at),
        "measures": json.dumps(dict(run.measures)),
        "rating": run.rating,
    }
    connection.execute(_KEEP, key | values)
    connection.execute(_DROP_LOG, key)
    if run.checks:
        connection.execute(_KEEP_LOG, key | {"record": json.dumps([_plain(check) for check in run.checks])})


def recent_measures(connection: sa.Connection, tenant: str, intent: str) -> list[Mapping[str, float]]:
    """Return what the latest runs of an intent took, the latest first."""
    rows = connection.scalars(_RECENT, {"tenant": tenant, "intent": searched(intent), "most": RECENT})
    return [json.loads(measures) for measures in rows]


def constraint_log(connection: sa.Connection, tenant: str, trace_id: str) -> list[Check]:
    """Return the constraints that a run met, in the order of its steps; empty where none was kept."""
    record = connection.scalar(_LOG, {"tenant": tenant, "trace_id": searched(trace_id)})
    return [from_json(Check, json.dumps(check)) for check in json.loads(record)] if record else []


def _plain(check: Check) -> dict[str, object]:
    return {"span_id": check.span_id, "constraint": check.constraint, "held": check.held, "why": check.why}
