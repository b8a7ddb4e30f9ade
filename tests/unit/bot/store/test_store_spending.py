from datetime import UTC, datetime

from bot.store.spending import Spent, spent_on_day
from bot.store.store import Store


def test_what_was_spent_is_added_up_for_each_tenant(store: Store) -> None:
    store.add_spent("7", "fm1", tokens=3_000_000_000, cost_usd=1.25)
    store.add_spent("7", "fm1", tokens=1, cost_usd=0.5)
    store.add_spent("7", "fm2", tokens=10, cost_usd=0.0)
    assert store.spent("7") == Spent(n_runs=3, tokens=3_000_000_011, cost_usd=1.75)
    assert store.spent("8") == Spent()


def test_what_one_failure_mode_and_today_have_cost_is_told_apart(store: Store) -> None:
    store.add_spent("7", "fm1", tokens=5, cost_usd=1.0)
    store.add_spent("7", "fm2", tokens=7, cost_usd=0.5)
    assert store.spent_on_mode("7", "fm1") == Spent(n_runs=1, tokens=5, cost_usd=1.0)
    assert store.spent_on_mode("7", "fm3") == store.spent_on_mode("8", "fm1") == Spent()
    assert store.spent_today("7") == Spent(n_runs=2, tokens=12, cost_usd=1.5)
    assert store.spent_today("8") == Spent()
    with store.engine.connect() as connection:
        assert spent_on_day(connection, "7", datetime(2001, 1, 1, tzinfo=UTC)) == Spent()
