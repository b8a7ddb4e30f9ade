"""Spending: what the model has cost, whether anything came of it or not."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

_ADD = sa.text("""
    INSERT INTO spending (tenant, failure_mode_id, n_runs, tokens, cost_usd)
    VALUES (:tenant, :failure_mode_id, 1, :tokens, :cost_usd)
    ON CONFLICT (tenant, failure_mode_id) DO UPDATE SET
        n_runs = spending.n_runs + 1,
        tokens = spending.tokens + excluded.tokens,
        cost_usd = spending.cost_usd + excluded.cost_usd
""")
_ADD_DAY = sa.text("""
    INSERT INTO spending_days (tenant, day, n_runs, tokens, cost_usd)
    VALUES (:tenant, :day, 1, :tokens, :cost_usd)
    ON CONFLICT (tenant, day) DO UPDATE SET
        n_runs = spending_days.n_runs + 1,
        tokens = spending_days.tokens + excluded.tokens,
        cost_usd = spending_days.cost_usd + excluded.cost_usd
""")
_OF_MODE = sa.text("""
    SELECT n_runs, tokens, cost_usd FROM spending WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id
""")
_OF_DAY = sa.text("SELECT n_runs, tokens, cost_usd FROM spending_days WHERE tenant = :tenant AND day = :day")
_SUM = sa.text("""
    SELECT coalesce(sum(n_runs), 0) AS n_runs, coalesce(sum(tokens), 0) AS tokens,
        coalesce(sum(cost_usd), 0) AS cost_usd
    FROM spending WHERE tenant = :tenant
""")


class Spent(NamedTuple):
    """What runs of the agent fixer, or a model's answers, have cost together."""

    n_runs: int = 0
    #: Input and output together.
    tokens: int = 0
    #: 0 where no price is set.
    cost_usd: float = 0.0


def add_spent(
    connection: sa.Connection, tenant: str, failure_mode_id: str, *, tokens: int, cost_usd: float, now: datetime
) -> None:
    """Add one run of the agent fixer to what a failure mode, and the day, has cost."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "tokens": tokens, "cost_usd": cost_usd}
    connection.execute(_ADD, row)
    connection.execute(_ADD_DAY, {**row, "day": _day(now)})


def spent_on_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> Spent:
    """Return what a failure mode has cost."""
    return _spent(connection.execute(_OF_MODE, {"tenant": tenant, "failure_mode_id": failure_mode_id}).first())


def spent_on_day(connection: sa.Connection, tenant: str, day: datetime) -> Spent:
    """Return what the day of a moment has cost, in UTC."""
    return _spent(connection.execute(_OF_DAY, {"tenant": tenant, "day": _day(day)}).first())


def spent(connection: sa.Connection, tenant: str) -> Spent:
    """Return what all failure modes have cost together."""
    return _spent(connection.execute(_SUM, {"tenant": tenant}).one())


def _spent(row: Any) -> Spent:  # noqa: ANN401 - a row
    return Spent() if row is None else Spent(int(row.n_runs), int(row.tokens), float(row.cost_usd))


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
