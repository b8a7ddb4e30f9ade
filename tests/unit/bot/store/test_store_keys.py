"""Ingestion keys: kept as hashes, named, scoped, rotated with an overlap, revoked."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.errors import UnknownKey
from bot.store.known_keys import TRUST_S, key_hash
from bot.store.store import Store

Fixture = Any  # what conftest.py makes; its types cannot be imported here


def test_a_key_finds_its_tenant_until_it_is_revoked(store: Store) -> None:
    key, other = store.create_key("7"), store.create_key("7")
    assert store.tenant_of(key) == "7"
    assert store.revoke_key("7", key_hash(key))
    assert (store.tenant_of(key), store.services_of(key)) == (None, None)
    assert store.tenant_of(other) == "7"
    assert not store.revoke_key("7", key_hash(key))


def test_a_key_is_not_kept_itself(store: Store, engine: sa.Engine) -> None:
    key = store.create_key("7", label="web")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM ingestion_keys").all()
    assert key.removeprefix("tw_") not in str(rows) + str(store.keys("7"))


def test_a_tenant_neither_revokes_nor_rotates_the_key_of_another(store: Store) -> None:
    key = store.create_key("7")
    with pytest.raises(UnknownKey, match="tenant '8' has 0 keys"):
        store.revoke_key("8", key_hash(key))
    with pytest.raises(UnknownKey, match="tenant '8' has 0 keys"):
        store.rotate_key("8", key_hash(key), overlap=timedelta(0))
    assert (store.tenant_of(key), store.keys("8")) == ("7", [])


@pytest.mark.parametrize("key_id", ["", "zz", "%", "_"])
def test_an_id_that_names_no_key_or_two_is_refused(store: Store, key_id: str) -> None:
    store.create_key("7")
    store.create_key("7")
    with pytest.raises(UnknownKey, match="0 keys whose id begins"):
        store.revoke_key("7", key_id)


def test_a_rotated_key_is_valid_until_the_overlap_ends(store: Store, clock: Fixture) -> None:
    old = store.create_key("7", label="web", services=["shop-*"])
    assert store.tenant_of(old) == "7"
    new = store.rotate_key("7", store.keys("7")[0].id, overlap=timedelta(seconds=60))
    clock.advance(59)
    assert (store.tenant_of(old), store.tenant_of(new), store.services_of(new)) == ("7", "7", ("shop-*",))
    clock.advance(1)
    assert (store.tenant_of(old), store.tenant_of(new)) == (None, "7")
    states = [(key.label, key.services, key.state(clock())) for key in store.keys("7")]
    assert sorted(states) == [("web", ("shop-*",), "ended"), ("web", ("shop-*",), "valid")]


def test_a_second_rotation_gives_the_old_key_no_more_time(store: Store, clock: Fixture) -> None:
    old = key_hash(store.create_key("7"))
    store.rotate_key("7", old, overlap=timedelta(seconds=60))
    store.rotate_key("7", old, overlap=timedelta(hours=9))
    clock.advance(60)
    with pytest.raises(UnknownKey, match="is ended: create a new one"):
        store.rotate_key("7", old, overlap=timedelta(hours=9))


def test_the_last_use_of_a_key_is_known_to_the_hour(store: Store, clock: Fixture) -> None:
    key = store.create_key("7")
    assert store.keys("7")[0].last_used_at is None
    first = clock()
    for _ in range(3):
        assert store.tenant_of(key) == "7"
        assert store.keys("7")[0].last_used_at == first
        clock.advance(TRUST_S)
    clock.advance(3_600)
    assert store.tenant_of(key) == "7"
    assert store.keys("7")[0].last_used_at == clock()


def test_the_use_of_a_wrong_key_is_not_noted(store: Store) -> None:
    key = store.create_key("7")
    assert store.tenant_of(key + "x") is None
    assert store.keys("7")[0].last_used_at is None


def test_a_key_is_remembered_for_a_moment_and_never_a_wrong_one(store: Store, clock: Fixture) -> None:
    key = store.create_key("7")
    assert not store.remembers(key)
    assert store.tenant_of(key) == "7"
    assert store.tenant_of(key + "x") is None
    assert store.remembers(key)
    assert not store.remembers(key + "x")
    clock.advance(TRUST_S)
    assert not store.remembers(key)
