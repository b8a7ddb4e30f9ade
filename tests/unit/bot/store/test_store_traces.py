"""Which traces wait, which were healthy, and their spans read again."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.errors import UnreadableBatch
from bot.store.store import Store
from bot.store.transaction import writing
from clustering.score import Traffic
from webhooks.trace import Trace

Fixture = Any  # what conftest.py makes; its types cannot be imported here

ROOT, CHILD, LATE = ("t1", "a", None), ("t1", "b", "a"), ("t1", "c", "a")


def examine(store: Store, trace_id: str = "t1", failures: Fixture = ()) -> None:
    store.save_examined("7", store.load_traces("7", [trace_id])[trace_id], failures)


def test_a_trace_waits_until_its_root_has_ended(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(CHILD))
    assert store.traces_to_examine("7", quiet_s=60) == []
    store.keep_batch("7", dialect.batch(ROOT))
    assert store.traces_to_examine("7", quiet_s=60) == ["t1"]


def test_a_trace_without_a_root_waits_for_a_quiet_period(store: Store, dialect: Fixture, clock: Fixture) -> None:
    store.keep_batch("7", dialect.batch(CHILD))
    clock.advance(59)
    assert store.traces_to_examine("7", quiet_s=60) == []
    clock.advance(1)
    assert store.traces_to_examine("7", quiet_s=60) == ["t1"]


def test_a_late_span_opens_an_examined_trace_again(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(ROOT, CHILD))
    examine(store)
    assert store.traces_to_examine("7", quiet_s=60) == []
    store.keep_batch("7", dialect.batch(LATE))
    assert store.traces_to_examine("7", quiet_s=60) == ["t1"]


def test_a_span_that_comes_while_its_trace_is_examined_is_not_overlooked(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(ROOT))
    loaded = store.load_traces("7", ["t1"])["t1"]
    store.keep_batch("7", dialect.batch(LATE))
    store.save_examined("7", loaded, [])
    assert store.traces_to_examine("7", quiet_s=60) == ["t1"]


def test_the_longest_waiting_traces_come_first_and_no_more_than_asked_for(
    store: Store, dialect: Fixture, clock: Fixture
) -> None:
    for trace_id in ("z", "y", "x"):
        store.keep_batch("7", dialect.batch((trace_id, "a", None)))
        clock.advance(1)
    assert store.traces_to_examine("7", quiet_s=60, limit=2) == ["z", "y"]


def test_a_trace_is_loaded_from_every_batch_that_brought_it(store: Store, dialect: Fixture) -> None:
    first, second = dialect.batch(CHILD, ("t2", "z", None)), dialect.batch(LATE, CHILD, ROOT)
    store.keep_batch("7", first)
    store.keep_batch("7", second)
    loaded = store.load_traces("7", ["t1", "unknown"])
    child, _, late, _, root = [*dialect.read(first.body), *dialect.read(second.body)]
    assert loaded == {"t1": Trace.from_spans([child, late, root])}


def test_a_batch_is_decoded_once_for_all_its_traces(store: Store, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(*[(f"t{n}", "a", None) for n in range(1_200)]))
    assert len(store.load_traces("7", [f"t{n}" for n in range(1_200)])) == 1_200
    assert dialect.n_decoded == 1


def test_a_body_that_no_longer_decodes_is_named(store: Store, engine: sa.Engine, dialect: Fixture) -> None:
    store.keep_batch("7", dialect.batch(ROOT))
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE batches SET dialect = 'forgotten'")
    with pytest.raises(UnreadableBatch, match=r"tenant '7' \(forgotten\)"):
        store.load_traces("7", ["t1"])


@pytest.mark.parametrize("position", [1, 9])
def test_a_span_that_is_not_where_it_was_read_is_named(
    store: Store, engine: sa.Engine, dialect: Fixture, position: int
) -> None:
    store.keep_batch("7", dialect.batch(ROOT, CHILD))
    with writing(engine) as connection:
        connection.exec_driver_sql(f"UPDATE spans SET position = {position} WHERE span_id = 'a'")
    with pytest.raises(UnreadableBatch, match=f"no span a at position {position}"):
        store.load_traces("7", ["t1"])


def test_a_healthy_trace_was_examined_and_has_no_failure(store: Store, dialect: Fixture, make_failure: Fixture) -> None:
    for trace_id in ("healthy", "failing", "unexamined", "reopened"):
        store.keep_batch("7", dialect.batch((trace_id, "a", None)))
    for trace_id in ("healthy", "reopened"):
        examine(store, trace_id)
    examine(store, "failing", [make_failure("failing")])
    store.keep_batch("7", dialect.batch(("reopened", "b", "a")))
    assert store.healthy_traces("7", service="support") == ["healthy"]
    assert store.healthy_traces("7", service="another") == []


def test_traffic_counts_sessions_and_users_once(store: Store, dialect: Fixture, clock: Fixture) -> None:
    for trace_id, session in (("t1", "s1"), ("t2", "s1"), ("t3", "s2")):
        dialect.attributes = {"session.id": session}
        store.keep_batch("7", dialect.batch((trace_id, "a", None)))
    assert store.traffic("7", since=clock.time) == {"support": Traffic(n_traces=3, n_sessions=2, n_users=0)}
    assert store.traffic_of_all("7") == Traffic(n_traces=3, n_sessions=2, n_users=0)
    clock.advance(1)
    assert store.traffic("7", since=clock.time) == {}


def test_everything_is_still_there_for_the_next_process(
    store: Store, engine: sa.Engine, dialect: Fixture, clock: Fixture
) -> None:
    store.keep_batch("7", dialect.batch(ROOT))
    engine.dispose()
    again = Store(engine, now=clock, decode=dialect.decode)
    assert again.tenants() == ["7"]
    assert list(again.load_traces("7", ["t1"])) == ["t1"]
