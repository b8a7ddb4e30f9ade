"""What redaction replaced is counted by kind; what could not be decoded is kept within bounds."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.store import quarantine
from bot.store.store import Store
from webhooks.errors import Unavailable

Fixture = Any  # what conftest.py makes; its types cannot be imported here
SPAN = ("t1", "a", None)


def test_what_was_replaced_is_counted_by_tenant_and_kind(store: Store, dialect: Fixture) -> None:
    store.count_replaced("7", {"jwt": 2, "email": 1})
    store.count_replaced("8", {"jwt": 40})
    store.keep_batch("7", dialect.batch(SPAN))
    store.count_replaced("7", {"jwt": 1})
    store.keep_batch("7", dialect.batch(SPAN, nonce=1))
    assert (store.replaced("7"), store.replaced("8")) == ({"email": 1, "jwt": 3}, {"jwt": 40})


def test_counts_that_could_not_be_kept_wait_for_the_next_commit(
    store: Store, dialect: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.count_replaced("7", {"jwt": 2})
    with monkeypatch.context() as broken:
        broken.setattr("bot.store.batches.keep_batches", _fail)
        with pytest.raises(Unavailable):
            store.keep_batch("7", dialect.batch(SPAN))
    assert store.replaced("7") == {}
    store.keep_batch("7", dialect.batch(SPAN))
    assert store.replaced("7") == {"jwt": 2}


def test_the_quarantine_keeps_the_start_of_a_body_and_the_newest_bodies(
    store: Store, clock: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MAX_BODIES", 3)
    store.quarantine("8", dialect="otlp-json", body=b"theirs", reason="no")
    for number in range(5):
        clock.advance(1)
        store.quarantine("7", dialect="otlp-json", body=b"x" * (quarantine.MAX_BYTES + number), reason=f"no {number}")
    assert [body.reason[:4] for body in store.quarantined("7", most=2)] == ["no 4", "no 3"]
    assert "the first 1048576 of 1048580 bytes are kept" in store.quarantined("7", most=1)[0].reason
    assert (store.counts("7").n_quarantined, store.counts("8").n_quarantined) == (3, 1)


def _fail(*_: object) -> None:
    raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))
