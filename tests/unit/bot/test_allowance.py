import pytest

from bot.allowance import UNLIMITED, Allowance, left
from bot.store.spending import Spent
from fixers.harness import Budget

BUDGET = Budget(tokens=1_000, cost_usd=2.0)


def test_a_run_may_cost_what_the_failure_mode_and_the_day_have_left() -> None:
    day = Allowance(tokens=5_000, cost_usd=9.0)
    budget = left(BUDGET, on_mode=Spent(1, 300, 0.5), today=Spent(9, 4_900, 8.9), a_day=day)
    assert isinstance(budget, Budget)
    assert (budget.tokens, round(budget.cost_usd, 2), budget.steps) == (100, 0.1, BUDGET.steps)


def test_without_a_limit_a_day_only_the_failure_modes_budget_binds() -> None:
    budget = left(BUDGET, on_mode=Spent(1, 300, 0.5), today=Spent(9, 10**9, 10**4), a_day=UNLIMITED)
    assert isinstance(budget, Budget)
    assert (budget.tokens, budget.cost_usd) == (700, 1.5)


@pytest.mark.parametrize(
    ("on_mode", "today", "says"),
    [
        (Spent(2, 1_000, 0.0), Spent(), "of this failure mode is spent: 1,000 tokens and 0.00 US dollars in 2 runs"),
        (Spent(2, 10, 2.5), Spent(), "of this failure mode is spent: 10 tokens and 2.50 US dollars in 2 runs"),
        (Spent(), Spent(7, 5_000, 0.0), "of the day is spent: 5,000 tokens and 0.00 US dollars in 7 runs"),
        (Spent(), Spent(7, 1, 9.0), "of the day is spent: 1 tokens and 9.00 US dollars in 7 runs"),
    ],
)
def test_a_spent_budget_says_what_was_spent(on_mode: Spent, today: Spent, says: str) -> None:
    told = left(BUDGET, on_mode=on_mode, today=today, a_day=Allowance(tokens=5_000, cost_usd=9.0))
    assert isinstance(told, str)
    assert says in told
