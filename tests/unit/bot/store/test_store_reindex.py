"""Reindexing: the searched columns come back from the raw batches, and nothing else changes."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.store.store import Store
from bot.store.transaction import writing
from webhooks.errors import Undecodable

Fixture = Any  # what conftest.py makes; its types cannot be imported here

DAMAGES = (
    "DELETE FROM spans",
    "DELETE FROM traces",
    "DELETE FROM spans WHERE span_id = 'b'",
    "UPDATE spans SET name = 'x', operation = 'x', service = 'x', session_id = NULL, started_at = 0, position = 7",
    "UPDATE traces SET service = 'x', session_id = 'x', user_id = NULL, release = 'x', n_spans = 99, root_ended = 0",
    "UPDATE traces SET started_at = 0, first_received_at = 0, last_received_at = 0",
)


class Interrupted(Exception):  # not an error, but the end of a process
    pass


@pytest.fixture
def filled(store: Store, dialect: Fixture, clock: Fixture) -> Store:
    """Three batches of the same traces: late, repeated within a batch and over batches, the root last."""
    store.keep_batch("7", dialect.batch(("t1", "b", "a"), ("t1", "b", "a"), ("t2", "z", None)))
    clock.advance(1)
    store.keep_batch("7", dialect.batch(("t1", "c", "b"), ("t1", "b", "a"), ("signal:x", "s", None)))
    clock.advance(1)
    store.keep_batch("7", dialect.batch(("t1", "a", None)))
    return store


def rows(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2, 3").all() for name in TABLES}
    return {name: [tuple(row) for row in listed] for name, listed in found.items()}


TABLES = ("spans", "traces", "reindexing")


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_rows_are_as_before(filled: Store, engine: sa.Engine, damage: str) -> None:
    before = rows(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql(damage)
    assert rows(engine) != before
    assert filled.reindex("7").n_batches == 3
    assert rows(engine) == before


def test_an_examined_trace_stays_examined(filled: Store, engine: sa.Engine) -> None:
    filled.save_examined("7", filled.load_traces("7", ["t1"])["t1"], [])
    before = rows(engine)
    filled.reindex("7")
    assert rows(engine) == before
    assert filled.traces_to_examine("7", quiet_s=0) == ["t2"]


def test_an_interrupted_run_is_gone_on_with(filled: Store, engine: sa.Engine, dialect: Fixture) -> None:
    before = rows(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE spans SET name = 'x'")

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        filled.reindex("7", on_progress=stop)
    dialect.n_decoded = 0
    assert filled.reindex("7").n_batches == dialect.n_decoded == 1
    assert rows(engine) == before


def test_what_comes_meanwhile_is_counted_once(filled: Store, engine: sa.Engine, dialect: Fixture) -> None:
    def receive(done: int, _total: int) -> None:
        filled.keep_batch("7", dialect.batch(("t1", f"new{done}", "a"), ("t1", "c", "b"), nonce=done))

    filled.reindex("7", on_progress=receive)
    before = rows(engine)
    assert filled.load_traces("7", ["t1"])["t1"].n_records == filled.counts("7").n_spans - 1 == 6
    filled.reindex("7")
    assert rows(engine) == before


def test_a_batch_that_no_longer_decodes_is_named_and_keeps_its_rows(
    filled: Store, engine: sa.Engine, dialect: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(engine)

    def refuse(body: bytes) -> None:
        raise Undecodable(f"not mine: {len(body)} bytes")

    monkeypatch.setattr(dialect, "read", refuse)
    assert [reason.partition(":")[0] for reason in filled.reindex("7").unreadable.values()] == ["not mine"] * 3
    assert rows(engine) == before


def test_another_tenant_is_left_alone(filled: Store, engine: sa.Engine, dialect: Fixture) -> None:
    filled.keep_batch("8", dialect.batch(("t1", "b", "a")))
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE spans SET name = 'x'")
    filled.reindex("7")
    with engine.connect() as connection:
        names = connection.exec_driver_sql("SELECT tenant, name FROM spans WHERE span_id = 'b' ORDER BY 1").all()
    assert [tuple(row) for row in names] == [("7", "span b"), ("8", "x")]
