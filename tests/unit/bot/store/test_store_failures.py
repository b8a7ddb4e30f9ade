"""Failures, failure modes and the embeddings behind them."""

from typing import Any

import numpy as np

from bot.store.failures import FailureId, failure_id
from bot.store.store import Store
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from tests.unit.bot.kept_trace import keep_trace
from webhooks.trace import Span, Trace

Fixture = Any  # what conftest.py makes; its types cannot be imported here


def keep(store: Store, *failures: Failure, trace_id: str = "t1", tenant: str = "7") -> None:
    start = failures[0].occurred_at if failures else store._now()
    trace = Trace(trace_id=trace_id, spans=(Span(trace_id=trace_id, span_id="a", name="a", start=start),))
    store.save_examined(tenant, keep_trace(store, tenant, trace), failures)


def same(one: FailureMode, other: FailureMode) -> bool:
    fields = set(FailureMode.__dataclass_fields__) - {"centroid"}
    return np.array_equal(one.centroid, other.centroid) and all(
        getattr(one, name) == getattr(other, name) for name in fields
    )


def test_failures_come_back_as_they_were_oldest_first(store: Store, make_failure: Fixture, clock: Fixture) -> None:
    early = make_failure(span_id="b", message="\0 \ud800 \u202e", session_id=None)
    clock.advance(5)
    late = make_failure(span_id="a", occurred_at=clock.time, release="1.2")
    keep(store, late, early)
    assert store.failures("7") == [early, late]


def test_examining_a_trace_again_replaces_its_failures_and_no_others(store: Store, make_failure: Fixture) -> None:
    other = make_failure("t2")
    keep(store, other, trace_id="t2")
    keep(store, make_failure(span_id="a"), make_failure(span_id="b"))
    changed = make_failure(span_id="b", message="changed")
    keep(store, changed)
    assert store.failures("7") == [changed, other]
    keep(store)
    assert store.failures("7") == [other]


def test_a_failure_that_is_seen_again_keeps_its_failure_mode(
    store: Store, make_failure: Fixture, make_mode: Fixture
) -> None:
    stays, goes = make_failure(span_id="a"), make_failure(span_id="b")
    keep(store, stays, goes)
    store.save_modes("7", [make_mode()], {"fm1": [failure_id(stays), failure_id(goes)]})
    keep(store, stays)
    assert store.members("7") == {failure_id(stays): "fm1"}
    assert store.failures_of_mode("7", "fm1") == [stays]


def test_a_failure_mode_comes_back_as_it_was(store: Store, make_mode: Fixture) -> None:
    mode = make_mode(title="\0 hostile", key="tool\0")
    store.save_modes("7", [mode], {})
    found = store.failure_mode("7", "fm1")
    assert found is not None
    assert same(found, mode)
    assert found.centroid.dtype == np.float32
    assert found.centroid.flags.writeable


def test_failure_modes_are_replaced_by_id_largest_first(store: Store, make_mode: Fixture) -> None:
    store.save_modes("7", [make_mode("small", n_traces=1), make_mode("large", n_traces=9)], {})
    store.save_modes("7", [make_mode("small", n_traces=20)], {})
    assert [mode.id for mode in store.failure_modes("7")] == ["small", "large"]
    store.set_status("7", "small", Status.RESOLVED)
    assert store.failure_modes("7")[0].status is Status.RESOLVED
    assert store.failure_mode("7", "unknown") is None


def test_a_failure_belongs_to_one_failure_mode(store: Store, make_failure: Fixture, make_mode: Fixture) -> None:
    one, two = make_failure(span_id="a"), make_failure(span_id="b")
    keep(store, one, two)
    store.save_modes("7", [make_mode("x")], {"x": [failure_id(one), failure_id(two)]})
    store.save_modes("7", [make_mode("y")], {"y": [failure_id(two)]})
    assert store.members("7") == {failure_id(one): "x", failure_id(two): "y"}


def test_a_member_whose_failure_is_gone_is_left_out(store: Store, make_mode: Fixture) -> None:
    store.save_modes("7", [make_mode()], {"fm1": [FailureId("gone", "a", "error")]})
    assert store.members("7") == {}


def test_the_traces_of_a_failure_mode_come_latest_first(
    store: Store, make_failure: Fixture, make_mode: Fixture, clock: Fixture
) -> None:
    found = []
    for trace_id in ("t1", "t2", "t3"):
        clock.advance(1)
        found += [make_failure(trace_id, span, occurred_at=clock.time) for span in ("a", "b")]
        keep(store, *found[-2:], trace_id=trace_id)
    store.save_modes("7", [make_mode()], {"fm1": [failure_id(failure) for failure in found]})
    assert store.traces_of_mode("7", "fm1", limit=2) == ["t3", "t2"]


def test_vectors_are_found_by_their_text_in_a_later_process(store: Store) -> None:
    store.embedding_cache("7", "minilm").update(
        {"a": np.array([1, 2], np.float32), "\ud800": np.array([3, 4], np.float64)}
    )
    later = store.embedding_cache("7", "minilm").get_many(["a", "c", "\ud800"])
    assert {text: vector.tolist() for text, vector in later.items()} == {"a": [1, 2], "\ud800": [3, 4]}
    assert later["\ud800"].dtype == np.float32


def test_a_vector_can_be_replaced(store: Store) -> None:
    cache = store.embedding_cache("7", "minilm")
    cache.update({"a": np.array([1], np.float32)})
    cache.update({"a": np.array([2], np.float32)})
    assert cache.get_many(["a"])["a"].tolist() == [2]


def test_models_do_not_share_vectors(store: Store) -> None:
    store.embedding_cache("7", "minilm").update({"a": np.array([1], np.float32)})
    assert not store.embedding_cache("7", "another").get_many(["a"])
