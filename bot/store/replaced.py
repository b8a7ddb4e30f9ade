"""How many values each redaction rule has replaced: numbers by kind, never a value."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

_ADD = sa.text("""
    INSERT INTO replaced (tenant, rule, n) VALUES (:tenant, :rule, :n)
    ON CONFLICT (tenant, rule) DO UPDATE SET n = replaced.n + excluded.n
""")
_COUNTS = sa.text("SELECT rule, n FROM replaced WHERE tenant = :tenant ORDER BY rule")


class Replaced:
    """Counts that wait for the next commit, so that they cost none of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[tuple[str, str]] = Counter()

    def add(self, tenant: str, counts: Mapping[str, int]) -> None:
        """Remember what was replaced in a body of the tenant."""
        self._wait({(tenant, rule): n for rule, n in counts.items()})

    @contextmanager
    def taken(self) -> Iterator[Counter[tuple[str, str]]]:
        """Give what waits to a transaction; when that fails, it waits again."""
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        try:
            yield taken
        except BaseException:  # cancelled and interrupted transactions keep nothing either; it is raised on
            self._wait(taken)
            raise

    def _wait(self, counts: Mapping[tuple[str, str], int]) -> None:
        with self._lock:
            self._waiting.update(counts)


def keep_counts(connection: sa.Connection, counts: Mapping[tuple[str, str], int]) -> None:
    """Add counts by tenant and rule; in one order, so that two processes cannot wait for each other."""
    for (tenant, rule), n in sorted(counts.items()):
        connection.execute(_ADD, {"tenant": tenant, "rule": rule, "n": n})


def counts(connection: sa.Connection, tenant: str) -> dict[str, int]:
    """Return how many values each rule has replaced for a tenant."""
    return {row.rule: row.n for row in connection.execute(_COUNTS, {"tenant": tenant})}
