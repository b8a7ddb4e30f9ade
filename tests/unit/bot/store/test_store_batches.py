"""Batches in groups: what is new is counted for the batch that brought it, and nothing is accepted in vain."""

import gzip
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.store import batches
from bot.store.batches import keep_batches, prepare
from bot.store.engine import open_engine
from bot.store.known_keys import TRUST_S, key_hash
from bot.store.store import Store
from bot.store.transaction import writing
from webhooks.errors import Unavailable
from webhooks.github import Delivery

Fixture = Any  # what conftest.py makes; its types cannot be imported here

ROOT, CHILD, OTHER = ("t1", "a", None), ("t1", "b", "a"), ("t2", "c", None)
MORE_THAN_ANY_DISK = 2**62


def test_batches_of_one_group_that_share_spans_count_them_once(
    store: Store, engine: sa.Engine, dialect: Fixture, clock: Fixture
) -> None:
    group = [dialect.batch(ROOT, CHILD), dialect.batch(CHILD, OTHER, nonce=1), dialect.batch(ROOT, nonce=2)]
    with writing(engine) as connection:
        n_new = keep_batches(connection, [prepare("7", batch, now=clock()) for batch in group])
    with engine.connect() as connection:
        n_spans = dict(list(connection.execute(sa.text("SELECT trace_id, n_spans FROM traces"))))
    assert n_new == 3
    assert n_spans == {"t1": 2, "t2": 1}
    assert store.counts("7").n_batches == 2


def test_the_same_batch_twice_in_a_group_is_kept_once(
    store: Store, engine: sa.Engine, dialect: Fixture, clock: Fixture
) -> None:
    twice = [prepare("7", dialect.batch(ROOT, CHILD), now=clock())] * 2
    with writing(engine) as connection:
        assert keep_batches(connection, twice) == 2
    assert (store.counts("7").n_batches, store.counts("7").n_spans) == (1, 2)


def test_a_clock_that_stands_still_costs_the_last_batch_no_more_than_the_second(
    store: Store, engine: sa.Engine, dialect: Fixture
) -> None:
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    costs = []
    for number in range(40):
        statements.clear()
        store.keep_batch("7", dialect.batch((f"t{number}", "a", None)))
        costs.append(len(statements))
    assert max(costs[1:]) == costs[1]
    assert store.counts("7").n_batches == 40


def test_a_microsecond_whose_numbers_are_used_up_takes_those_of_the_next(
    store: Store, engine: sa.Engine, dialect: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "NUMBERS_PER_MICROSECOND", 2)
    for number in range(5):
        store.keep_batch("7", dialect.batch((f"t{number}", "a", None)))
    with engine.connect() as connection:
        numbers = list(connection.scalars(sa.text("SELECT batch FROM batches ORDER BY batch")))
    assert numbers == list(range(numbers[0], numbers[0] + 5))


def test_tenants_of_one_group_stay_apart(store: Store, engine: sa.Engine, dialect: Fixture, clock: Fixture) -> None:
    batch = dialect.batch(ROOT)
    with writing(engine) as connection:
        keep_batches(connection, [prepare(tenant, batch, now=clock()) for tenant in ("7", "8")])
    assert [store.counts(tenant).n_spans for tenant in ("7", "8", "9")] == [1, 1, 0]


def test_a_body_that_the_sender_gzipped_is_kept_as_it_came(store: Store, engine: sa.Engine, dialect: Fixture) -> None:
    batch = dialect.batch(*[("t1", f"s{n}", None) for n in range(100)])
    gzipped = gzip.compress(batch.body)
    store.keep_batch("7", replace(batch, gzipped=gzipped))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT body FROM batches")) == gzipped
    assert len(store.load_traces("7", ["t1"])["t1"].spans) == 100


def test_the_same_body_gzipped_in_another_way_is_the_same_batch(store: Store, dialect: Fixture) -> None:
    batch = dialect.batch(ROOT)
    for level in (1, 9):
        store.keep_batch("7", replace(batch, gzipped=gzip.compress(batch.body, level)))
    assert store.counts("7").n_batches == 1


def test_gzip_that_saves_nothing_is_not_kept(store: Store, engine: sa.Engine, dialect: Fixture) -> None:
    batch = dialect.batch(*[("t1", f"s{n}", None) for n in range(100)])
    store.keep_batch("7", replace(batch, gzipped=gzip.compress(batch.body, 0)))
    with engine.connect() as connection:
        assert len(connection.scalars(sa.text("SELECT body FROM batches")).one()) < len(batch.body)


def test_a_disk_that_is_nearly_full_refuses_and_keeps_nothing(tmp_path: Path, clock: Fixture, dialect: Fixture) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'a.db'}")
    store = Store(engine, now=clock, decode=dialect.decode, min_free_bytes=MORE_THAN_ANY_DISK)
    with pytest.raises(Unavailable, match="nearly full"):
        store.keep_batch("7", dialect.batch(ROOT))
    with pytest.raises(Unavailable, match="nearly full"):
        store.quarantine("7", dialect="otlp-json", body=b"{", reason="no")
    with pytest.raises(Unavailable, match="nearly full"):
        store.keep_delivery(Delivery(delivery_id="d1", event="ping", action="", payload={}))
    assert (store.counts("7").n_spans, store.counts("7").n_quarantined) == (0, 0)
    assert store.unhandled_deliveries() == []
    engine.dispose()


def test_many_senders_at_once_lose_and_double_nothing(store: Store, dialect: Fixture) -> None:
    batches = [dialect.batch(*[(f"t{n % 5}", f"s{n}-{m}", None) for m in range(20)]) for n in range(40)]

    def send(mine: Fixture) -> None:
        for batch in mine:
            store.keep_batch("7", batch)

    threads = [threading.Thread(target=send, args=([*batches[n::4], *batches[n::8]],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.counts("7").n_batches, store.counts("7").n_spans) == (40, 800)


def test_a_closed_store_accepts_nothing(tmp_path: Path, clock: Fixture, dialect: Fixture) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'a.db'}"), now=clock, decode=dialect.decode)
    store.keep_batch("7", dialect.batch(ROOT))
    store.close()
    with pytest.raises(Unavailable, match="shutting down"):
        store.keep_batch("7", dialect.batch(CHILD))


def test_a_key_that_another_process_revoked_is_refused_within_seconds(
    store: Store, engine: sa.Engine, clock: Fixture, dialect: Fixture
) -> None:
    key = store.create_key("7")
    assert store.tenant_of(key) == "7"
    Store(engine, now=clock, decode=dialect.decode).revoke_key("7", key_hash(key))
    clock.advance(TRUST_S)
    assert store.tenant_of(key) is None


def test_a_key_is_looked_up_once_in_a_while(store: Store, engine: sa.Engine) -> None:
    key = store.create_key("7")
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert [store.tenant_of(key) for _ in range(3)] == ["7"] * 3
    assert len([statement for statement in statements if "FROM ingestion_keys" in statement]) == 1
