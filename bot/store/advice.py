"""Advice: what a model answered to small questions, and what that cost. Each is asked once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.spending import Spent
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO advice (tenant, asked, model, asked_at, answer, tokens, cost_usd)
    VALUES (:tenant, :asked, :model, :asked_at, :answer, :tokens, :cost_usd)
    ON CONFLICT (tenant, asked, model) DO NOTHING
""")
_FIND = sa.text("SELECT answer FROM advice WHERE tenant = :tenant AND asked = :asked AND model = :model")
_SPENT = sa.text("""
    SELECT count(*) AS n, coalesce(sum(tokens), 0) AS tokens, coalesce(sum(cost_usd), 0) AS cost_usd
    FROM advice WHERE tenant = :tenant AND asked_at >= :since
""")


class Advised(NamedTuple):
    """One answer, and what it took."""

    #: What could be used of it; empty where nothing could.
    answer: str
    tokens: int
    cost_usd: float


def asked(messages: Sequence[Mapping[str, str]]) -> str:
    """Return what a conversation is known by."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def keep_advice(  # as the columns
    connection: sa.Connection, tenant: str, question: str, model: str, advised: Advised, *, now: datetime
) -> None:
    """Keep an answer; the first one to a question counts."""
    row = {"tenant": tenant, "asked": question, "model": model, "asked_at": microseconds(now)}
    connection.execute(_KEEP, row | advised._asdict() | {"answer": json.dumps(advised.answer)})


def advice(connection: sa.Connection, tenant: str, question: str, model: str) -> str | None:
    """Return what a model answered; None when it was not asked."""
    found = connection.scalar(_FIND, {"tenant": tenant, "asked": question, "model": model})
    return None if found is None else str(json.loads(found))


def advice_spent(connection: sa.Connection, tenant: str, *, since: datetime) -> Spent:
    """Return what the answers have cost since a time."""
    n, tokens, cost_usd = connection.execute(_SPENT, {"tenant": tenant, "since": microseconds(since)}).one()
    return Spent(int(n), int(tokens), float(cost_usd))
