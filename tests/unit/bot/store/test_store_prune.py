"""Deleting what is old: all of it and nothing else, on both databases, whatever happens at the same time."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from bot.pull_request import PullRequest
from bot.store import days
from bot.store.advice import Advised
from bot.store.failures import failure_id
from bot.store.store import Store
from bot.store.transaction import writing
from bot.store.waiting import Waiting
from webhooks.github import Delivery

Fixture = Any  # what conftest.py makes; its types cannot be imported here

DAY = 86_400.0


def tables(engine: sa.Engine, *names: str) -> dict[str, int]:
    with engine.connect() as connection:
        return {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() or 0 for name in names}


@pytest.fixture
def examined(store: Store, dialect: Fixture, make_failure: Fixture, make_mode: Fixture) -> Callable[..., None]:
    """Keep traces in one batch, each with a failure of the failure mode "fm1"."""

    def examine(*trace_ids: str, nonce: int = 0) -> None:
        dialect.attributes["gen_ai.response.id"] = f"r{nonce}"
        store.keep_batch("7", dialect.batch(*((each, "a", None) for each in trace_ids), nonce=nonce))
        failures = {each: make_failure(trace_id=each) for each in trace_ids}
        for each, trace in store.load_traces("7", trace_ids).items():
            store.save_examined("7", trace, [failures[each]])
        members = {*store.members("7"), *map(failure_id, failures.values())}
        store.save_modes("7", [make_mode(n_traces=len(members))], {"fm1": members})

    return examine


@pytest.fixture
def propose(store: Store, make_proposal: Fixture, make_evidence: Fixture) -> Callable[..., PullRequest]:
    """Open a pull request for a failure mode; its proposal and evidence name the trace "t1"."""

    def open_one(failure_mode_id: str) -> PullRequest:
        proposal = make_proposal(failure_mode_id)
        store.save_proposal("7", proposal)
        store.save_evidence("7", make_evidence(proposal.id))
        opened = PullRequest(
            repository="acme/shop", number=1, head_branch="tracewright/x", head_sha="1", url="u", title="t"
        )
        store.save_pull_request("7", opened, proposal_id=proposal.id)
        return opened

    return open_one


def test_an_old_trace_goes_with_all_that_hangs_on_it(
    store: Store, examined: Fixture, engine: sa.Engine, clock: Fixture
) -> None:
    examined("old", nonce=1)
    store.quarantine("7", dialect="fake", body=b"{", reason="no")
    store.embedding_cache("7", "minilm").update({"old text": np.array([1], np.float32)})
    store.keep_advice("7", "old question", "m", Advised("Ask first.", tokens=7, cost_usd=0.1))
    store.keep_headline("7", store.load_traces("7", ["old"])["old"], "Ask first.")
    clock.advance(DAY)
    examined("new", nonce=2)
    done = store.prune(clock.time - timedelta(hours=1))
    assert (done.n_traces, done.n_spans, done.n_batches) == (1, 1, 1)
    assert done.n_bytes > 0
    assert list(store.load_traces("7", ["old", "new"])) == ["new"]
    left = tables(engine, "traces", "spans", "batches", "failures", "quarantine", "embeddings", "advice", "headlines")
    assert list(left.values()) == [1, 1, 1, 1, 0, 0, 0, 0]


def test_what_is_asked_for_beforehand_is_what_goes(store: Store, examined: Fixture, clock: Fixture) -> None:
    examined("old", "shared", nonce=1)
    clock.advance(DAY)
    examined("shared", "new", nonce=2)
    before = clock.time - timedelta(hours=1)
    foreseen = store.would_prune(before)
    assert foreseen == store.prune(before)
    assert foreseen.n_traces == 2  # "shared" brought nothing new, and so is as old


def test_a_body_stays_until_none_of_its_traces_is_kept(
    store: Store, dialect: Fixture, engine: sa.Engine, clock: Fixture
) -> None:
    store.keep_batch("7", dialect.batch(("old", "a", None), ("long", "a", None)))
    clock.advance(DAY)
    store.keep_batch("7", dialect.batch(("long", "b", "a")))
    store.prune(clock.time - timedelta(hours=1))
    assert tables(engine, "traces", "batches") == {"traces": 1, "batches": 2}
    assert store.load_traces("7", ["long"])["long"].n_records == 2
    clock.advance(DAY)
    store.prune(clock.time)
    assert tables(engine, "traces", "batches") == {"traces": 0, "batches": 0}


@pytest.mark.parametrize("failure_mode_id", ["fm1", "fm9"])
def test_the_evidence_of_an_open_pull_request_stays_until_it_has_ended(
    store: Store, examined: Fixture, propose: Fixture, clock: Fixture, failure_mode_id: str
) -> None:
    examined("t1", "t2")
    opened = propose(failure_mode_id)
    clock.advance(DAY)
    shown = ["t1", "t2"] if failure_mode_id == "fm1" else ["t1"]  # the members, or what is named
    assert store.prune(clock.time).n_kept == len(shown)
    assert list(store.load_traces("7", ["t1", "t2"])) == shown
    store.set_pull_request_state("7", opened, "merged")
    assert store.prune(clock.time).n_traces == len(shown)


def test_the_evidence_of_a_fix_that_waits_for_a_place_stays(
    store: Store, examined: Fixture, make_proposal: Fixture, make_evidence: Fixture, clock: Fixture
) -> None:
    examined("t1", "t2")
    store.save_proposal("7", make_proposal())
    store.save_evidence("7", make_evidence(make_proposal().id))
    store.wait("7", Waiting(failure_mode_id="fm1", repository="r", agent="a", base_sha="0", reason="no place"))
    clock.advance(DAY)
    assert store.prune(clock.time).n_traces == 0
    store.stop_waiting("7", "fm1")
    assert store.prune(clock.time).n_traces == 2


def test_a_failure_mode_without_traces_keeps_counts_and_examples(
    store: Store, examined: Fixture, clock: Fixture
) -> None:
    for number in range(8):
        examined(f"t{number}", nonce=number)
    clock.advance(DAY)
    store.prune(clock.time)
    [mode] = store.failure_modes("7")
    assert (mode.n_traces, store.failures("7"), store.modes_with_members("7")) == (8, [], frozenset())
    assert [failure.message for failure in store.examples("7", "fm1")] == ["it took too long"] * 5


def test_late_spans_begin_a_deleted_trace_anew(store: Store, dialect: Fixture, clock: Fixture) -> None:
    store.keep_batch("7", dialect.batch(("t1", "a", None)))
    stale = store.load_traces("7", ["t1"])["t1"]
    clock.advance(DAY)
    store.prune(clock.time)
    store.keep_batch("7", dialect.batch(("t1", "b", "a")))
    assert store.load_traces("7", ["t1"])["t1"].n_records == 1
    store.save_examined("7", stale, [])


def test_a_trace_that_is_deleted_while_it_is_examined_leaves_no_failure(
    store: Store, dialect: Fixture, make_failure: Fixture, clock: Fixture
) -> None:
    dialect.attributes["gen_ai.response.id"] = "r1"
    store.keep_batch("7", dialect.batch(("t1", "a", None)))
    trace = store.load_traces("7", ["t1"])["t1"]
    clock.advance(DAY)
    store.prune(clock.time)
    store.save_examined("7", trace, [make_failure()])
    assert store.failures("7") == []


def test_reindexing_brings_nothing_back(store: Store, dialect: Fixture, engine: sa.Engine, clock: Fixture) -> None:
    store.keep_batch("7", dialect.batch(("old", "a", None), ("long", "a", None), ("signal:x", "s", None)))
    clock.advance(DAY)
    store.keep_batch("7", dialect.batch(("long", "b", "a")))
    store.prune(clock.time)
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE spans SET name = 'x'")
    store.reindex("7")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT trace_id, name FROM spans ORDER BY span_id").all()
    assert [tuple(row) for row in rows] == [("long", "span a"), ("long", "span b")]
    assert tables(engine, "traces") == {"traces": 1}


def test_an_event_that_came_before_its_trace_keeps_its_body(store: Store, dialect: Fixture, clock: Fixture) -> None:
    store.keep_batch("7", dialect.batch(("response:r1", "e", None)))
    clock.advance(DAY)
    dialect.attributes["gen_ai.response.id"] = "r1"
    store.keep_batch("7", dialect.batch(("t1", "a", None)))
    store.save_examined("7", store.load_traces("7", ["t1"])["t1"], [])
    assert store.join_responses("7") == 1
    store.prune(clock.time - timedelta(hours=1))
    dialect.attributes.clear()
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM batches").scalar() == 2


def test_two_workers_that_delete_at_once_do_no_harm(
    store: Store, dialect: Fixture, engine: sa.Engine, clock: Fixture
) -> None:
    for number in range(30):
        store.keep_batch("7", dialect.batch(*((f"t{number}-{each}", "a", None) for each in range(20)), nonce=number))
    clock.advance(DAY)
    failed: list[Exception] = []

    def prune() -> None:
        try:
            store.prune(clock.time)
        except sa.exc.DBAPIError as error:
            failed.append(error)

    threads = [threading.Thread(target=prune) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(10):
        store.keep_batch("7", dialect.batch((f"new{number}", "a", None), (f"t{number}-0", "late", None)))
    for thread in threads:
        thread.join()
    store.prune(clock.time)
    assert failed == []
    stayed = [*(f"t{number}-0" for number in range(10)), *(f"new{number}" for number in range(10))]
    n_records = [trace.n_records for trace in store.load_traces("7", stayed).values()]
    assert len(n_records) == tables(engine, "traces")["traces"] == 20
    # A trace whose late span came before it was deleted is as long as ever.
    assert sum(n_records) == tables(engine, "spans")["spans"] == store.counts("7").n_spans


def test_only_handled_deliveries_go(store: Store, clock: Fixture) -> None:
    for each in ("done", "open"):
        store.keep_delivery(Delivery(delivery_id=each, event="push", action="", payload={"installation": {"id": 7}}))
    store.mark_handled("done")
    clock.advance(DAY)
    assert store.drop_handled(clock.time) == 1
    assert store.deliveries_of("7") == ["open"]


def test_a_vector_that_is_still_asked_for_stays(store: Store, clock: Fixture) -> None:
    store.connect_repository("7", "acme/shop")
    store.embedding_cache("7", "m").update({"used": np.array([1], np.float32), "not": np.array([2], np.float32)})
    clock.advance(3 * DAY)
    store.embedding_cache("7", "m").get_many(["used"])
    store.prune(clock.time - timedelta(hours=1))
    assert list(store.embedding_cache("7", "m").get_many(["used", "not"])) == ["used"]


def test_the_file_of_sqlite_shrinks(store: Store, dialect: Fixture, clock: Fixture) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL uses the room of rows again, and drops days whole")
    dialect.attributes["noise"] = os.urandom(8).hex()
    empty = store.size().n_bytes
    for number in range(20):
        batch = dialect.batch(*((f"{number}-{each}", os.urandom(8).hex(), None) for each in range(300)), nonce=number)
        store.keep_batch("7", batch)
    file = Path(str(store.engine.url.database))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before, held = store.size().n_bytes, file.stat().st_size
    clock.advance(DAY)
    store.prune(clock.time)
    store.shrink()
    assert before - empty > 1_000_000
    assert store.size().n_bytes - empty < (before - empty) / 4
    assert file.stat().st_size - empty < (held - empty) / 4


def test_days_are_made_ahead_and_dropped_whole(
    store: Store, dialect: Fixture, engine: sa.Engine, clock: Fixture
) -> None:
    if engine.dialect.name == "sqlite":
        assert store.prepare_days() == []
        return
    assert len(store.prepare_days()) == days.AHEAD + 1
    assert store.prepare_days() == []
    store.keep_batch("7", dialect.batch(("old", "a", None), ("long", "a", None)))
    store.keep_batch("7", dialect.batch(("old", "b", None)))
    assert tables(engine, "batches_20261102", "batches_rest") == {"batches_20261102": 2, "batches_rest": 0}
    clock.advance(DAY)
    store.keep_batch("7", dialect.batch(("long", "b", "a")))
    done = store.prune(clock.time.replace(hour=0, minute=0, second=0, microsecond=0))
    assert (done.n_traces, done.n_batches) == (1, 1)
    assert not sa.inspect(engine).has_table("batches_20261102")
    assert tables(engine, "batches_20261103", "batches_rest") == {"batches_20261103": 1, "batches_rest": 1}
    assert store.load_traces("7", ["long"])["long"].n_records == 2
