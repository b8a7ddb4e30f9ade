"""Allowance: what a run of the agent fixer may still cost, of a failure mode's budget and of the day's."""

from dataclasses import dataclass, replace

from bot.store.spending import Spent
from fixers.harness import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What all failure modes of a tenant together may cost in a day, UTC; 0 is without a limit."""

    tokens: int = 0
    cost_usd: float = 0.0


UNLIMITED = Allowance()
#: How a verdict begins whose attempt is made again the next day.
DAY_IS_SPENT = "the budget of the day is spent"


def left(budget: Budget, *, on_mode: Spent, today: Spent, a_day: Allowance) -> Budget | str:
    """Return what may still be spent on a failure mode now, or a sentence that says which budget is spent."""
    tokens, cost_usd = budget.tokens - on_mode.tokens, budget.cost_usd - on_mode.cost_usd
    if tokens <= 0 or cost_usd <= 0:
        return (
            f"the budget of this failure mode is spent: {_told(on_mode)} of {budget.tokens:,} tokens and "
            f"{budget.cost_usd:.2f} US dollars; `budget` in the repository's configuration raises it"
        )
    day_tokens = a_day.tokens - today.tokens if a_day.tokens else tokens
    day_usd = a_day.cost_usd - today.cost_usd if a_day.cost_usd else cost_usd
    if day_tokens <= 0 or day_usd <= 0:
        limits = f"{a_day.tokens:,} tokens and {a_day.cost_usd:.2f} US dollars (0: no limit)"
        return f"{DAY_IS_SPENT}: {_told(today)} of {limits}"
    return replace(budget, tokens=min(tokens, day_tokens), cost_usd=min(cost_usd, day_usd))


def _told(spent: Spent) -> str:
    return f"{spent.tokens:,} tokens and {spent.cost_usd:.2f} US dollars in {spent.n_runs} runs"
