"""Tenancy: tenants, their keys and repositories, and their deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store import deliveries, everything, installations, keys, prune, repositories
from bot.store.keys import Key
from bot.store.known_keys import KnownKeys
from bot.store.prune import Rest
from bot.store.records import Records
from bot.store.repositories import Told
from bot.store.transaction import writing
from webhooks.github import Delivery


class Tenancy(Records):
    """Tenants, their keys and repositories, and their deliveries."""

    _known_keys: KnownKeys

    def tenants(self) -> list[str]:
        """Return the id of every tenant for whom there may be work: neither suspended nor uninstalled."""
        with self.engine.connect() as connection:
            return keys.tenants(connection)

    def create_key(self, tenant: str, *, label: str = "", services: Sequence[str] = ()) -> str:
        """Return a new ingestion key; only its hash is kept, so it can be shown this once."""
        with writing(self.engine) as connection:
            return keys.create_key(connection, tenant, now=self._now(), label=label, services=services)

    def keys(self, tenant: str) -> list[Key]:
        """Return what is known of a tenant's keys, the oldest first; the keys themselves are not known."""
        with self.engine.connect() as connection:
            return keys.keys(connection, tenant)

    def rotate_key(self, tenant: str, key_id: str, *, overlap: timedelta) -> str:
        """Return a new key with the label and scope of an old one, which stays valid for `overlap`."""
        with writing(self.engine) as connection:
            key = keys.rotate_key(connection, tenant, key_id, overlap=overlap, now=self._now())
        self._known_keys.forget()
        return key

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """Refuse a key from now on; False when it was revoked before."""
        with writing(self.engine) as connection:
            revoked = keys.revoke_key(connection, tenant, key_id, now=self._now())
        self._known_keys.forget()
        return revoked

    def connect_repository(self, tenant: str, repository: str) -> None:
        """Note that a repository belongs to a tenant; a second time changes nothing."""
        with writing(self.engine) as connection:
            keys.keep_tenant(connection, tenant, now=self._now())
            repositories.connect(connection, tenant, repository, now=self._now())

    def repositories(self, tenant: str) -> list[str]:
        """Return a tenant's repositories that there may be work on, the first connected first."""
        with self.engine.connect() as connection:
            return repositories.repositories(connection, tenant)

    def tell_repository(self, tenant: str, told: Told, *, told_at: datetime | None) -> None:
        """Note what GitHub says of a repository, unless something newer than `told_at` is known."""
        with writing(self.engine) as connection:
            keys.keep_tenant(connection, tenant, now=self._now())
            repositories.tell(connection, tenant, told, told_at=told_at, now=self._now())

    def rename_repository(self, tenant: str, old: str, new: str) -> None:
        """Follow a repository to its new name."""
        with writing(self.engine) as connection:
            repositories.rename(connection, tenant, old, new)

    def known_name(self, tenant: str, repository: str) -> str | None:
        """Return a repository's name as it is kept, whether there may be work on it or not; None for an unknown one."""
        with self.engine.connect() as connection:
            return repositories.known_name(connection, tenant, repository)

    def leave_elsewhere(self, tenant: str, github_id: int) -> None:
        """Note that a repository is no other tenant's any more: it was transferred to this one, or to a stranger."""
        with writing(self.engine) as connection:
            repositories.leave_elsewhere(connection, tenant, github_id)

    def is_private(self, tenant: str, repository: str) -> bool | None:
        """Return whether a repository is private, None while GitHub has not said so."""
        with self.engine.connect() as connection:
            return repositories.is_private(connection, tenant, repository)

    def unasked_repositories(self, tenant: str) -> list[str]:
        """Return the repositories whose configuration was neither proposed nor found yet."""
        with self.engine.connect() as connection:
            return repositories.unasked(connection, tenant)

    def mark_asked(self, tenant: str, repository: str) -> None:
        """Note that a repository's configuration was proposed or found: it is proposed once."""
        with writing(self.engine) as connection:
            repositories.mark_asked(connection, tenant, repository, now=self._now())

    def install(self, tenant: str, *, account_id: int | None) -> bool:
        """Make an installation known, with what an earlier one of its account left; False when it is gone already."""
        with writing(self.engine) as connection:
            known = installations.install(connection, tenant, account_id=account_id, now=self._now())
        self._known_keys.forget()
        return known

    def suspend(self, tenant: str, *, suspended: bool, told_at: datetime) -> None:
        """Note that an installation is suspended or not, unless something newer is known."""
        with writing(self.engine) as connection:
            installations.suspend(connection, tenant, suspended=suspended, told_at=told_at)

    def uninstall(self, tenant: str, *, account_id: int | None = None) -> None:
        """Note that an installation is gone: its keys are refused, and there is no work for it any more."""
        with writing(self.engine) as connection:
            installations.uninstall(connection, tenant, account_id=account_id, now=self._now())
        self._known_keys.forget()

    def uninstalled_before(self, before: datetime) -> list[str]:
        """Return the tenants that were uninstalled before a time."""
        with self.engine.connect() as connection:
            return installations.uninstalled_before(connection, before)

    def forget_tenant(self, tenant: str, *, rest: Rest = lambda _: None) -> None:
        """Delete everything that is kept of a tenant: what is much in small transactions, the rest in one."""
        prune.prune_tenant(self.engine, tenant, self._now(), rest=rest)
        with writing(self.engine) as connection:
            everything.delete_everything(connection, tenant)
        self._known_keys.forget()

    def deliveries_of(self, tenant: str) -> list[str]:
        """Return the ids of a tenant's deliveries."""
        with self.engine.connect() as connection:
            return deliveries.deliveries_of(connection, tenant)

    def unhandled_deliveries(self) -> list[str]:
        """Return the ids of all tenants' deliveries that were kept but not handled, oldest first."""
        with self.engine.connect() as connection:
            return deliveries.unhandled_deliveries(connection)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """Return a kept delivery of any tenant, or None."""
        with self.engine.connect() as connection:
            return deliveries.delivery(connection, delivery_id)

    def mark_handled(self, delivery_id: str) -> None:
        """Note that what a delivery asked for was done."""
        with writing(self.engine) as connection:
            deliveries.mark_handled(connection, delivery_id, now=self._now())
