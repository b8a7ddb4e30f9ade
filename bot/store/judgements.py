"""Judgements: what a model said of runs, which it was asked about once each, and what that cost."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.codec import from_json, to_json
from bot.store.columns import chunks
from bot.store.spending import Spent
from clustering.audit_order import Candidate
from clustering.judgement import Judgement, Verdict
from webhooks.searched import microseconds, searched

_KEEP = sa.text("""
    INSERT INTO judgements (tenant, trace_id, judged_at, model, verdict, was_flagged, tokens, cost_usd, record)
    VALUES (:tenant, :trace_id, :judged_at, :model, :verdict, :was_flagged, :tokens, :cost_usd, :record)
    ON CONFLICT (tenant, trace_id) DO NOTHING
""")
_RECORDS = sa.text("""
    SELECT trace_id, record FROM judgements
    WHERE tenant = :tenant AND verdict = 'failed' AND was_flagged = 0 AND trace_id IN :trace_ids
""").bindparams(sa.bindparam("trace_ids", expanding=True))
# Newest first: what was judged last week says little of what runs today.
_CANDIDATES = sa.text("""
    SELECT trace_id, rating, EXISTS (
        SELECT 1 FROM failures WHERE failures.tenant = runs.tenant AND failures.trace_id = runs.trace_id) AS flagged
    FROM runs
    WHERE tenant = :tenant AND NOT EXISTS (
        SELECT 1 FROM judgements WHERE judgements.tenant = runs.tenant AND judgements.trace_id = runs.trace_id)
    ORDER BY started_at DESC, trace_id LIMIT :most
""")
_SPENT = sa.text("""
    SELECT count(*) AS n, coalesce(sum(tokens), 0) AS tokens, coalesce(sum(cost_usd), 0) AS cost_usd
    FROM judgements WHERE tenant = :tenant AND judged_at >= :since
""")
_AUDITED = sa.text("""
    SELECT verdict, was_flagged, rating FROM judgements LEFT JOIN runs USING (tenant, trace_id) WHERE tenant = :tenant
""")
_UNFLAGGED = sa.text("""
    SELECT count(*) FROM runs WHERE tenant = :tenant AND NOT EXISTS (
        SELECT 1 FROM failures WHERE failures.tenant = runs.tenant AND failures.trace_id = runs.trace_id
            AND failures.detector <> 'judge')
""")
_FOUND = sa.text("""
    SELECT trace_id, record FROM judgements WHERE tenant = :tenant AND verdict = 'failed' AND was_flagged = 0
    ORDER BY judged_at DESC, trace_id LIMIT :most
""")


class Judged(NamedTuple):
    """One answer of the judge's, and what it took."""

    judgement: Judgement
    #: Whether a detector had seen a failure by then.
    was_flagged: bool
    model: str
    tokens: int
    cost_usd: float


class Audited(NamedTuple):
    """A run that the judge was asked about, and what else is known of it."""

    verdict: Verdict
    was_flagged: bool
    #: 1: people or evaluators were content; -1: they were not; 0: nobody said.
    rating: int


def keep_judged(connection: sa.Connection, tenant: str, trace_id: str, judged: Judged, *, now: datetime) -> None:
    """Keep an answer; a run is judged once."""
    row = {
        "tenant": tenant,
        "trace_id": searched(trace_id),
        "judged_at": microseconds(now),
        "model": judged.model,
        "verdict": judged.judgement.verdict.value,
        "was_flagged": int(judged.was_flagged),
        "tokens": judged.tokens,
        "cost_usd": judged.cost_usd,
        "record": to_json(judged.judgement),
    }
    connection.execute(_KEEP, row)


def judged_failed(connection: sa.Connection, tenant: str, trace_ids: Sequence[str]) -> dict[str, Judgement]:
    """Return what the judge said of those of these runs that only it saw fail, by trace."""
    found: dict[str, Judgement] = {}
    for chunk in chunks(map(searched, trace_ids)):
        rows = connection.execute(_RECORDS, {"tenant": tenant, "trace_ids": chunk})
        found |= {trace_id: from_json(Judgement, record) for trace_id, record in rows}
    return found


def candidates(connection: sa.Connection, tenant: str, *, most: int) -> list[Candidate]:
    """Return the latest runs that the judge was not asked about."""
    rows = connection.execute(_CANDIDATES, {"tenant": tenant, "most": most})
    return [Candidate(trace_id, bool(flagged), is_rated=rating != 0) for trace_id, rating, flagged in rows]


def audit_spent(connection: sa.Connection, tenant: str, *, since: datetime) -> Spent:
    """Return what the judge has cost since a time."""
    n, tokens, cost_usd = connection.execute(_SPENT, {"tenant": tenant, "since": microseconds(since)}).one()
    return Spent(int(n), int(tokens), float(cost_usd))


def audited(connection: sa.Connection, tenant: str) -> list[Audited]:
    """Return every run that the judge was asked about."""
    rows = connection.execute(_AUDITED, {"tenant": tenant})
    return [Audited(Verdict(verdict), bool(flagged), rating or 0) for verdict, flagged, rating in rows]


def count_unflagged(connection: sa.Connection, tenant: str) -> int:
    """Count the examined runs in which no detector saw a failure."""
    return int(connection.execute(_UNFLAGGED, {"tenant": tenant}).scalar_one())


def found_by_judge(connection: sa.Connection, tenant: str, *, most: int) -> list[tuple[str, Judgement]]:
    """Return the latest failures that the judge found where no detector had seen one: trace and judgement."""
    rows = connection.execute(_FOUND, {"tenant": tenant, "most": most})
    return [(trace_id, from_json(Judgement, record)) for trace_id, record in rows]
