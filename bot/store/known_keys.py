"""KnownKeys: the keys that were found valid a moment ago, so that not every request asks the database."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

# How long a key that another process revoked may still be accepted here; this process' own revocations count at once.
TRUST_S = 5.0


class Access(NamedTuple):
    """What a valid key opens."""

    tenant: str
    #: Patterns of service names; empty for every service.
    services: tuple[str, ...]
    #: From then on the key is refused; None for a key without an end.
    valid_until: datetime | None


class KnownKeys:
    """Remembers valid keys by their hash. Unknown ones are not remembered: there are more of them than memory."""

    def __init__(self, *, now: Callable[[], datetime], trust_s: float = TRUST_S) -> None:
        self._now = now
        self._trust = timedelta(seconds=trust_s)
        self._known: dict[str, tuple[Access, datetime]] = {}
        self._n_forgotten = 0

    def access(self, key: str, look_up: Callable[[str], Access | None]) -> Access | None:
        """Return what a key opens; `look_up` is asked where the key was not found valid lately."""
        hashed, now = key_hash(key), self._now()
        known = self._known.get(hashed)
        if known and now < known[1]:
            return known[0]
        n_forgotten = self._n_forgotten
        access = look_up(key)
        self._known.pop(hashed, None)
        if access is not None and n_forgotten == self._n_forgotten:  # else it may have been revoked since the look-up
            trusted = now + self._trust
            self._known[hashed] = (access, min(trusted, access.valid_until or trusted))
        return access

    def remembers(self, key: str) -> bool:
        """Return whether `access` needs no look-up for a key."""
        known = self._known.get(key_hash(key))
        return known is not None and self._now() < known[1]

    def forget(self) -> None:
        """Ask the database about every key again."""
        self._n_forgotten += 1
        self._known.clear()


def key_hash(key: str) -> str:
    """Return what is kept of a key; plain SHA-256 is enough because 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
