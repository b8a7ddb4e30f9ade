"""Spending: what the model has cost, whether anything came of it or not."""

from typing import NamedTuple

import sqlalchemy as sa

_ADD = sa.text("""
    INSERT INTO spending (tenant, failure_mode_id, n_runs, tokens, cost_usd)
    VALUES (:tenant, :failure_mode_id, 1, :tokens, :cost_usd)
    ON CONFLICT (tenant, failure_mode_id) DO UPDATE SET
        n_runs = spending.n_runs + 1,
        tokens = spending.tokens + excluded.tokens,
        cost_usd = spending.cost_usd + excluded.cost_usd
""")
_SUM = sa.text("""
    SELECT coalesce(sum(n_runs), 0) AS n_runs, coalesce(sum(tokens), 0) AS tokens,
        coalesce(sum(cost_usd), 0) AS cost_usd
    FROM spending WHERE tenant = :tenant
""")


class Spent(NamedTuple):
    """What all runs of the agent fixer have cost together."""

    n_runs: int = 0
    #: Input and output together.
    tokens: int = 0
    #: 0 where no price is set.
    cost_usd: float = 0.0


def add_spent(connection: sa.Connection, tenant: str, failure_mode_id: str, *, tokens: int, cost_usd: float) -> None:
    """Add one run of the agent fixer to what a failure mode has cost."""
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "tokens": tokens, "cost_usd": cost_usd}
    connection.execute(_ADD, row)


def spent(connection: sa.Connection, tenant: str) -> Spent:
    """Return what all failure modes have cost together."""
    row = connection.execute(_SUM, {"tenant": tenant}).one()
    return Spent(int(row.n_runs), int(row.tokens), float(row.cost_usd))
