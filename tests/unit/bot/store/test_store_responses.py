"""Events that name only a model's answer find the trace of the call, in whatever order the two come."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bot.agents import Agents
from bot.examine import examine
from bot.store.store import Store
from webhooks.dialects import search
from webhooks.inbox import Batch

NS = 1_777_636_800 * 10**9


@pytest.fixture
def kept(engine: sa.Engine, clock: Any) -> Store:  # noqa: ANN401  # conftest's, whose types cannot be imported here
    return Store(engine, now=clock)


def attributes(**values: str) -> list[dict[str, Any]]:
    return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in values.items()]


def call(store: Store, tenant: str = "acme", answer: str = "resp-1") -> None:
    span = {"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "chat", "startTimeUnixNano": NS, "endTimeUnixNano": NS}
    span["attributes"] = attributes(gen_ai__operation__name="chat", gen_ai__response__id=answer)
    keep(store, tenant, "otlp-json", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def thumb(store: Store, tenant: str = "acme", answer: str = "resp-1", *, nonce: str = "") -> None:
    values = {"gen_ai__evaluation__name": "thumb", "gen_ai__evaluation__score__label": "down"}
    event = {"timeUnixNano": NS, "eventName": "gen_ai.evaluation.result"}
    event["attributes"] = attributes(gen_ai__response__id=answer, **values)
    keep(store, tenant, "otlp-json-logs", {"nonce": nonce, "resourceLogs": [{"scopeLogs": [{"logRecords": [event]}]}]})


def keep(store: Store, tenant: str, dialect: str, request: object) -> None:
    body = json.dumps(request).encode()
    store.keep_batch(tenant, Batch(dialect=dialect, body=body, rows=search(dialect, body)))


def examined(store: Store, tenant: str = "acme") -> list[str]:
    examine(store, tenant, agents=Agents(), quiet_s=0, on_progress=lambda *_: None)
    return [f"{failure.detector} {failure.span_id}" for failure in store.failures(tenant)]


@pytest.mark.parametrize("order", [[call, thumb], [thumb, call]])
@pytest.mark.parametrize("between", [examined, lambda _: None])
def test_the_thumb_reaches_the_call_in_either_order(
    kept: Store, order: list[Callable[[Store], None]], between: Callable[[Store], object]
) -> None:
    for step in order:
        step(kept)
        between(kept)
    assert examined(kept) == [f"negative_feedback {'0b' * 8}"]
    assert (kept.counts("acme").n_traces, kept.counts("acme").n_spans, kept.count_waiting("acme")) == (1, 2, 0)


def test_a_thumb_that_comes_again_after_it_was_joined_counts_once(kept: Store) -> None:
    call(kept)
    for nonce in ("", "another request"):
        thumb(kept, nonce=nonce)
        assert len(examined(kept)) == 1
    assert (kept.counts("acme").n_spans, kept.count_waiting("acme")) == (2, 0)


def test_an_answer_of_another_tenant_is_not_found(kept: Store) -> None:
    call(kept, "acme")
    thumb(kept, "globex")
    assert (examined(kept, "acme"), examined(kept, "globex")) == ([], [])
    assert (kept.count_waiting("globex"), kept.counts("globex").n_traces) == (1, 0)


def test_an_event_whose_call_never_comes_waits_and_is_counted(kept: Store) -> None:
    call(kept)
    thumb(kept, answer="resp-2")
    thumb(kept, answer="resp-2", nonce="again")
    assert (examined(kept), kept.count_waiting("acme")) == ([], 1)
