from bot.store.spending import Spent
from bot.store.store import Store


def test_what_was_spent_is_added_up_for_each_tenant(store: Store) -> None:
    store.add_spent("7", "fm1", tokens=3_000_000_000, cost_usd=1.25)
    store.add_spent("7", "fm1", tokens=1, cost_usd=0.5)
    store.add_spent("7", "fm2", tokens=10, cost_usd=0.0)
    assert store.spent("7") == Spent(n_runs=3, tokens=3_000_000_011, cost_usd=1.75)
    assert store.spent("8") == Spent()
