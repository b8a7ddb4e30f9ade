"""What the doctor says of a tenant's records: numbers by kind, never a value."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

from bot.assemble import Product
from bot.doctor import N_QUARANTINED, Finding, _tenant
from bot.store.advice import Advised
from bot.store.engine import open_engine
from bot.store.store import Store

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def told(store: Store, tenant: str) -> list[Finding]:
    product = SimpleNamespace(store=store, stages=SimpleNamespace(now=lambda: NOON))
    return list(_tenant(cast("Product", product), tenant))


def test_what_was_replaced_is_counted_by_kind_for_its_tenant_only() -> None:
    store = Store(open_engine("sqlite://"), now=lambda: NOON)
    store.count_replaced("7", {"github-token": 2, "jwt": 1})
    store.count_replaced("7", {"jwt": 3})
    store.quarantine("7", dialect="langsmith", body=b"{", reason="cut short")  # counts go with the next commit
    assert "replaced before it was kept: github-token 2, jwt 4" in [finding.fact for finding in told(store, "7")]
    assert [finding for finding in told(store, "8") if "replaced" in finding.fact] == []


def test_the_newest_bodies_in_quarantine_are_listed_with_their_reasons_and_without_a_byte_of_them() -> None:
    store = Store(open_engine("sqlite://"), now=lambda: NOON)
    for number in range(N_QUARANTINED + 2):
        store.quarantine("7", dialect="otlp-json", body=f"private {number}".encode(), reason="not JSON")
    [finding] = [finding for finding in told(store, "7") if "quarantine" in finding.fact]
    assert (finding.state, finding.fact.startswith(f"{N_QUARANTINED + 2} bodies")) == ("broken", True)
    assert finding.fact.count("otlp-json, 0 minutes ago: not JSON") == N_QUARANTINED
    assert "private" not in finding.fact
    assert [finding for finding in told(store, "8") if "quarantine" in finding.fact] == []


def test_what_headlines_and_titles_cost_is_told() -> None:
    store = Store(open_engine("sqlite://"), now=lambda: NOON)
    store.keep_advice("7", "q", "m", Advised("Ask first.", tokens=530, cost_usd=0.125))
    assert "1 headlines and titles in 24 hours: 530 tokens, 0.12 US dollars" in [each.fact for each in told(store, "7")]
    assert not any("headlines" in each.fact for each in told(store, "8"))
