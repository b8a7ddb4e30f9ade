"""Ingestion keys: which tenant a client's key belongs to and for which services, without keeping the key."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import NamedTuple

import sqlalchemy as sa

from bot.errors import UnknownKey
from bot.store.columns import moment
from bot.store.known_keys import Access, key_hash
from webhooks.searched import microseconds, searched

PREFIX = "tw_"
KEY_BYTES = 32
#: Hex digits of a key's hash that name it to people: 48 bits, of a hash that says nothing about the key.
ID_DIGITS = 12
# Last use is told roughly, so that not every request is a write.
USE_IS_NEWS_AFTER = timedelta(hours=1)

_KEEP_TENANT = sa.text(
    "INSERT INTO tenants (tenant, created_at) VALUES (:tenant, :now) ON CONFLICT (tenant) DO NOTHING"
)
_KEEP_KEY = sa.text("""
    INSERT INTO ingestion_keys (tenant, key_hash, created_at, label, services)
    VALUES (:tenant, :key_hash, :now, :label, :services)
""")
_ACCESS = sa.text("""
    SELECT tenant, services, valid_until, last_used_at FROM ingestion_keys JOIN tenants USING (tenant)
    WHERE key_hash = :key_hash AND revoked_at IS NULL AND uninstalled_at IS NULL
      AND (valid_until IS NULL OR valid_until > :now)
""")
_USED = sa.text("UPDATE ingestion_keys SET last_used_at = :now WHERE tenant = :tenant AND key_hash = :key_hash")
_KEYS = sa.text("""
    SELECT key_hash, label, services, created_at, last_used_at, valid_until, revoked_at FROM ingestion_keys
    WHERE tenant = :tenant ORDER BY created_at, key_hash
""")
_REVOKE = sa.text("""
    UPDATE ingestion_keys SET revoked_at = :now WHERE tenant = :tenant AND key_hash = :key_hash AND revoked_at IS NULL
""")
# A key that ends sooner already is not given more time.
_END = sa.text("""
    UPDATE ingestion_keys SET valid_until = :until
    WHERE tenant = :tenant AND key_hash = :key_hash AND (valid_until IS NULL OR valid_until > :until)
""")
_TENANTS = sa.text("SELECT tenant FROM tenants WHERE uninstalled_at IS NULL AND suspended = 0 ORDER BY tenant")


class Key(NamedTuple):
    """What is known of a key; the key itself is not."""

    #: The start of its hash.
    id: str
    label: str
    #: Patterns of service names; empty for every service.
    services: tuple[str, ...]
    created_at: datetime
    #: To the hour; None before the first use.
    last_used_at: datetime | None
    #: Set by a rotation: refused from then on.
    valid_until: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """Say whether the key is accepted: "valid", "ending", "ended" or "revoked"."""
        if self.revoked_at:
            return "revoked"
        if self.valid_until:
            return "ending" if now < self.valid_until else "ended"
        return "valid"


def keep_tenant(connection: sa.Connection, tenant: str, *, now: datetime) -> None:
    """Make the tenant known, if it is not yet."""
    connection.execute(_KEEP_TENANT, {"tenant": tenant, "now": microseconds(now)})


def tenants(connection: sa.Connection) -> list[str]:
    """Return the id of every tenant for whom there may be work: neither suspended nor uninstalled."""
    return list(connection.scalars(_TENANTS))


def create_key(
    connection: sa.Connection,
    tenant: str,
    *,
    now: datetime,
    label: str = "",
    services: Sequence[str] = (),
    token: Callable[[int], str] = token_urlsafe,
) -> str:
    """Return a new key of the tenant; only its hash is kept, so it can be shown this once."""
    keep_tenant(connection, tenant, now=now)
    key = PREFIX + token(KEY_BYTES)
    row = {"tenant": tenant, "key_hash": key_hash(key), "now": microseconds(now)}
    connection.execute(_KEEP_KEY, {**row, "label": searched(label), "services": json.dumps(list(services))})
    return key


def access(connection: sa.Connection, key: str, *, now: datetime) -> tuple[Access, bool] | None:
    """Return what a key opens and whether its use is news; None for one that opens nothing, whyever.

    The look-up is by hash: how long it takes says nothing about how much of a guessed key was right.
    """
    row = connection.execute(_ACCESS, {"key_hash": key_hash(key), "now": microseconds(now)}).one_or_none()
    if row is None:
        return None
    opened = Access(row.tenant, tuple(json.loads(row.services)), _moment(row.valid_until))
    last = _moment(row.last_used_at)
    return opened, last is None or now - last >= USE_IS_NEWS_AFTER


def note_use(connection: sa.Connection, tenant: str, key: str, *, now: datetime) -> None:
    """Keep when a key was last used."""
    connection.execute(_USED, {"tenant": tenant, "key_hash": key_hash(key), "now": microseconds(now)})


def keys(connection: sa.Connection, tenant: str) -> list[Key]:
    """Return what is known of a tenant's keys, the oldest first."""
    return [_key(row) for row in connection.execute(_KEYS, {"tenant": tenant})]


def revoke_key(connection: sa.Connection, tenant: str, key_id: str, *, now: datetime) -> bool:
    """Refuse a key from now on; False when it was revoked before.

    Raises
    ------
    UnknownKey
        When the tenant has not exactly one key whose id begins so.

    """
    hashed, _ = _find(connection, tenant, key_id)
    row = {"tenant": tenant, "key_hash": hashed, "now": microseconds(now)}
    return connection.execute(_REVOKE, row).rowcount > 0


def rotate_key(connection: sa.Connection, tenant: str, key_id: str, *, overlap: timedelta, now: datetime) -> str:
    """Return a new key with the label and scope of a valid one, which stays valid for `overlap`.

    Raises
    ------
    UnknownKey
        When the tenant has not exactly one key whose id begins so, or it is not accepted any more.

    """
    hashed, old = _find(connection, tenant, key_id)
    if old.state(now) in ("revoked", "ended"):
        raise UnknownKey(f"key {old.id} of tenant {tenant!r} is {old.state(now)}: create a new one")
    connection.execute(_END, {"tenant": tenant, "key_hash": hashed, "until": microseconds(now + overlap)})
    return create_key(connection, tenant, now=now, label=old.label, services=old.services)


def _find(connection: sa.Connection, tenant: str, key_id: str) -> tuple[str, Key]:
    rows = connection.execute(_KEYS, {"tenant": tenant})
    found = [(row.key_hash, _key(row)) for row in rows if key_id and row.key_hash.startswith(key_id)]
    if len(found) != 1:
        raise UnknownKey(f"tenant {tenant!r} has {len(found)} keys whose id begins with {key_id!r}")
    return found[0]


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    return Key(
        id=row.key_hash[:ID_DIGITS],
        label=row.label,
        services=tuple(json.loads(row.services)),
        created_at=moment(row.created_at),
        last_used_at=_moment(row.last_used_at),
        valid_until=_moment(row.valid_until),
        revoked_at=_moment(row.revoked_at),
    )


def _moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
