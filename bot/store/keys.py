"""Ingestion keys: which tenant a client's key belongs to, without keeping the key."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from secrets import token_urlsafe

import sqlalchemy as sa

from webhooks.searched import microseconds

PREFIX = "tw_"
KEY_BYTES = 32
# How long a key that another process revoked may still be accepted here; this process' own revocations count at once.
TRUST_S = 5.0

_KEEP_TENANT = sa.text(
    "INSERT INTO tenants (tenant, created_at) VALUES (:tenant, :now) ON CONFLICT (tenant) DO NOTHING"
)
_KEEP_KEY = sa.text("INSERT INTO ingestion_keys (tenant, key_hash, created_at) VALUES (:tenant, :key_hash, :now)")
_TENANT_OF = sa.text("""
    SELECT tenant FROM ingestion_keys JOIN tenants USING (tenant)
    WHERE key_hash = :key_hash AND revoked_at IS NULL AND uninstalled_at IS NULL
""")
_REVOKE = sa.text(
    "UPDATE ingestion_keys SET revoked_at = :now WHERE tenant = :tenant AND key_hash = :key_hash AND revoked_at IS NULL"
)
_TENANTS = sa.text("SELECT tenant FROM tenants WHERE uninstalled_at IS NULL AND suspended = 0 ORDER BY tenant")


class KnownKeys:
    """The keys that were found valid a moment ago, so that not every request asks the database.

    Unknown keys are not remembered: there are more of them than memory.
    """

    def __init__(self, *, now: Callable[[], datetime], trust_s: float = TRUST_S) -> None:
        self._now = now
        self._trust = timedelta(seconds=trust_s)
        self._known: dict[str, tuple[str, datetime]] = {}
        self._n_forgotten = 0

    def tenant_of(self, key: str, look_up: Callable[[str], str | None]) -> str | None:
        """Return the tenant of a key; `look_up` is asked where the key was not found valid lately."""
        hashed, now = key_hash(key), self._now()
        known = self._known.get(hashed)
        if known and now < known[1]:
            return known[0]
        n_forgotten = self._n_forgotten
        tenant = look_up(key)
        self._known.pop(hashed, None)
        if tenant is not None and n_forgotten == self._n_forgotten:  # else it may have been revoked since the look-up
            self._known[hashed] = (tenant, now + self._trust)
        return tenant

    def forget(self) -> None:
        """Ask the database about every key again."""
        self._n_forgotten += 1
        self._known.clear()


def keep_tenant(connection: sa.Connection, tenant: str, *, now: datetime) -> None:
    """Make the tenant known, if it is not yet."""
    connection.execute(_KEEP_TENANT, {"tenant": tenant, "now": microseconds(now)})


def tenants(connection: sa.Connection) -> list[str]:
    """Return the id of every tenant for whom there may be work: neither suspended nor uninstalled."""
    return list(connection.scalars(_TENANTS))


def create_key(
    connection: sa.Connection, tenant: str, *, now: datetime, token: Callable[[int], str] = token_urlsafe
) -> str:
    """Return a new key of the tenant; only its hash is kept, so it can be shown this once."""
    keep_tenant(connection, tenant, now=now)
    key = PREFIX + token(KEY_BYTES)
    connection.execute(_KEEP_KEY, {"tenant": tenant, "key_hash": key_hash(key), "now": microseconds(now)})
    return key


def tenant_of(connection: sa.Connection, key: str) -> str | None:
    """Return the tenant of a key, None for an unknown or revoked one, or one whose tenant uninstalled the App.

    The look-up is by hash: how long it takes says nothing about how much of a guessed key was right.
    """
    tenant: str | None = connection.scalar(_TENANT_OF, {"key_hash": key_hash(key)})
    return tenant


def revoke_key(connection: sa.Connection, tenant: str, key: str, *, now: datetime) -> bool:
    """Refuse a key from now on; False when the tenant has no such valid key."""
    row = {"tenant": tenant, "key_hash": key_hash(key), "now": microseconds(now)}
    return connection.execute(_REVOKE, row).rowcount > 0


def key_hash(key: str) -> str:
    """Return what is kept of a key; plain SHA-256 is enough because 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
