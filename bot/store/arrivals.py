"""Arrivals: what comes in: batches, deliveries, bodies that could not be read, and by which key."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from bot.store import batches, deliveries, disk, keys, quarantine, replaced
from bot.store.group_commit import GroupCommit
from bot.store.known_keys import Access, KnownKeys
from bot.store.quarantine import Quarantined
from bot.store.records import Records
from bot.store.replaced import Replaced
from bot.store.transaction import writing
from webhooks.errors import Unavailable
from webhooks.github import Delivery
from webhooks.inbox import Batch


class Arrivals(Records):
    """What comes in: batches, deliveries, bodies that could not be read, and by which key."""

    _known_keys: KnownKeys
    _replaced: Replaced
    _batches: GroupCommit[batches.Prepared]
    _min_free_bytes: int

    def remembers(self, key: str) -> bool:
        """Return whether a key was found valid a moment ago, so that the next two ask no database."""
        return self._known_keys.remembers(key)

    def tenant_of(self, key: str) -> str | None:
        """Return the tenant that an ingestion key belongs to, or None for an unknown or revoked key."""
        access = self._known_keys.access(key, self._look_up_key)
        return access.tenant if access else None

    def services_of(self, key: str) -> Sequence[str] | None:
        """Return the patterns of service names that a key is for, empty for all; None for an unknown key."""
        access = self._known_keys.access(key, self._look_up_key)
        return access.services if access else None

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        """Keep a batch, in one commit with those that come at the same moment; a kept span is not kept twice."""
        if batch.rows.spans:
            self._batches.keep(batches.prepare(tenant, batch, now=self._now()), n_bytes=len(batch.body))

    def quarantine(self, tenant: str, *, dialect: str, body: bytes, reason: str) -> None:
        """Keep a body that could not be decoded."""
        disk.check_space(self.engine, self._min_free_bytes)
        with _durable(), self._replaced.taken() as counted, writing(self.engine) as connection:
            quarantine.quarantine(connection, tenant, dialect=dialect, body=body, reason=reason, now=self._now())
            replaced.keep_counts(connection, counted)

    def keep_delivery(self, delivery: Delivery) -> bool:
        """Keep a GitHub delivery; False when its id is already known."""
        disk.check_space(self.engine, self._min_free_bytes)
        with _durable(), writing(self.engine) as connection:
            return deliveries.keep_delivery(connection, delivery, now=self._now())

    def _look_up_key(self, key: str) -> Access | None:
        now = self._now()
        with _durable(), self.engine.connect() as connection:
            found = keys.access(connection, key, now=now)
        if found is None:
            return None
        access, is_news = found
        if is_news:
            with suppress(sa.exc.OperationalError), writing(self.engine) as connection:  # it is told roughly
                keys.note_use(connection, access.tenant, key, now=now)
        return access

    def _commit_batches(self, group: Sequence[batches.Prepared]) -> None:
        disk.check_space(self.engine, self._min_free_bytes)
        with _durable(), self._replaced.taken() as counted, writing(self.engine) as connection:
            for tenant in sorted({batch.tenant for batch in group}):
                keys.keep_tenant(connection, tenant, now=self._now())
            batches.keep_batches(connection, group)
            replaced.keep_counts(connection, counted)

    def count_replaced(self, tenant: str, counts: Mapping[str, int]) -> None:
        """Note how many values each redaction rule replaced; kept with the next batch."""
        self._replaced.add(tenant, counts)

    def quarantined(self, tenant: str, *, most: int) -> list[Quarantined]:
        """Return the newest bodies that could not be decoded."""
        with self.engine.connect() as connection:
            return quarantine.newest(connection, tenant, most=most)

    def replaced(self, tenant: str) -> dict[str, int]:
        """Return how many values each redaction rule has replaced for a tenant."""
        with self.engine.connect() as connection:
            return replaced.counts(connection, tenant)


@contextmanager
def _durable() -> Iterator[None]:
    """Tell the sender to come again when the database cannot take the data now: full, locked, gone, no connection."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise Unavailable(f"the database cannot keep this now: {error.args[0] if error.args else error!r}") from error
