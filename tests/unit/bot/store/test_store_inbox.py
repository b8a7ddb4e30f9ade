"""What the receiver keeps: batches, quarantined bodies, deliveries."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.store.deliveries import APP_TENANT
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.score import Traffic
from webhooks.errors import Unavailable
from webhooks.github import Delivery
from webhooks.inbox import Batch, Inbox
from webhooks.searched import Searched

Fixture = Any  # what conftest.py makes; its types cannot be imported here

ROOT, CHILD = ("t1", "a", None), ("t1", "b", "a")


def delivery(delivery_id: str = "d1", **payload: Fixture) -> Delivery:
    return Delivery(delivery_id=delivery_id, event="pull_request", action="closed", payload=payload)


def test_the_store_is_an_inbox(store: Store) -> None:
    inbox: Inbox = store
    assert inbox.tenant_of("nobody's") is None


def test_the_same_batch_again_changes_nothing(store: Store, dialect: Fixture) -> None:
    batch = dialect.batch(ROOT, CHILD)
    store.keep_batch("7", batch)
    before = store.counts("7")
    store.keep_batch("7", batch)
    assert store.counts("7") == before
    assert (before.n_traces, before.n_spans, before.n_batches) == (1, 2, 1)


def test_a_batch_whose_spans_are_all_known_is_not_kept_again(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(ROOT, CHILD))
    store.keep_batch("7", dialect.batch(CHILD, nonce=1))
    assert store.counts("7").n_batches == 1


def test_a_span_that_comes_twice_counts_once(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(CHILD, CHILD))
    store.keep_batch("7", dialect.batch(CHILD, ROOT))
    assert store.counts("7").n_spans == 2


def test_an_empty_batch_is_not_kept(store: Store) -> None:
    store.keep_batch("7", Batch(dialect="fake", body=b"[]", rows=Searched()))
    assert store.counts("7").n_batches == 0
    assert store.counts("7").last_received_at is None


def test_batches_that_come_at_once_count_every_span_once(store: Store, dialect: Fixture) -> None:
    batches = [dialect.batch(("t1", f"s{n}", None), ROOT, CHILD, nonce=n) for n in range(8)]
    threads = [threading.Thread(target=store.keep_batch, args=("7", batch)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts("7").n_spans == 10


@pytest.mark.parametrize("hostile", ["nul\0", "surrogate \ud800", "x" * 100_000, "'; DROP TABLE spans; --"])
def test_any_text_of_a_trace_can_be_kept(store: Store, dialect: Fixture, hostile: str) -> None:
    dialect.attributes = {"session.id": hostile, "user.id": hostile, "error.type": hostile}
    store.keep_batch("7", dialect.batch((hostile, hostile, None), (hostile, "b", hostile)))
    assert store.counts("7").n_spans == 2
    [trace_id] = store.traces_to_examine("7", quiet_s=60)
    assert [span.trace_id for span in store.load_traces("7", [trace_id])[trace_id].spans] == [hostile, hostile]


def test_a_body_is_quarantined_once(store: Store) -> None:
    for _ in range(2):
        store.quarantine("7", dialect="otlp-json", body=b"\0{", reason="not JSON: \0")
    assert store.counts("7").n_quarantined == 1


def test_a_delivery_is_kept_once_and_handed_out_until_it_is_handled(store: Store) -> None:
    kept = delivery(installation={"id": 7}, text="\0\ud800")
    assert store.keep_delivery(kept)
    assert not store.keep_delivery(kept)
    assert store.unhandled_deliveries() == ["d1"]
    assert store.delivery("d1") == kept
    store.mark_handled("d1")
    assert store.unhandled_deliveries() == []
    assert store.delivery("d1") == kept


def test_a_delivery_without_an_installation_belongs_to_the_app(store: Store, engine: sa.Engine) -> None:
    store.keep_delivery(delivery("d1", installation={"id": 7}))
    store.keep_delivery(delivery("d2", zen="Keep it logically awesome."))
    store.keep_delivery(delivery("d3", installation="hostile"))
    with engine.connect() as connection:
        tenants = connection.exec_driver_sql("SELECT tenant FROM deliveries ORDER BY delivery_id").scalars().all()
    assert tenants == ["7", APP_TENANT, APP_TENANT]


def test_an_unknown_delivery_is_none(store: Store) -> None:
    assert store.delivery("never seen") is None


def test_a_full_disk_asks_the_sender_to_come_again_and_keeps_nothing(
    tmp_path: Path, clock: Fixture, dialect: Fixture
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    store = Store(engine, now=clock, decode=dialect.decode)

    @sa.event.listens_for(engine, "checkout")
    def fill(connection: Fixture, *_: Fixture) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    large = Batch(dialect="fake", body=os.urandom(100_000), rows=dialect.batch(ROOT).rows)
    with pytest.raises(Unavailable, match="full"):
        store.keep_batch("7", large)
    assert store.counts("7").n_batches == 0
    engine.dispose()


def test_a_locked_database_asks_the_sender_to_come_again(tmp_path: Path, clock: Fixture, dialect: Fixture) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = open_engine(url, busy_timeout_s=0)
    store = Store(engine, now=clock, decode=dialect.decode)
    with engine.connect() as other:
        other.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked"):
            store.keep_batch("7", dialect.batch(ROOT))
        with pytest.raises(Unavailable, match="locked"):
            store.keep_delivery(delivery())
        with pytest.raises(Unavailable, match="locked"):
            store.quarantine("7", dialect="otlp-json", body=b"{", reason="no")
    engine.dispose()


def test_the_trace_remembers_session_user_and_service(store: Store, dialect: Fixture, clock: Fixture) -> None:
    store.keep_batch("7", dialect.batch(CHILD))
    dialect.attributes = {}
    store.keep_batch("7", dialect.batch(ROOT))
    traffic = store.traffic("7", since=clock())
    assert traffic == {"support": Traffic(n_traces=1, n_sessions=1, n_users=1)}


def test_a_repository_is_connected_once_and_makes_its_tenant_known(store: Store) -> None:
    for repository in ("acme/shop", "acme/desk", "acme/shop"):
        store.connect_repository("7", repository)
    assert store.repositories("7") == ["acme/desk", "acme/shop"]
    assert store.tenants() == ["7"]
