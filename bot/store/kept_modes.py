"""KeptModes: failures and failure modes."""

from collections.abc import Iterable, Mapping, Sequence

from bot.store import examples, failure_modes, failures, grouping, people, wishes
from bot.store.embeddings import EmbeddingCache
from bot.store.failures import FailureId
from bot.store.grouping import Move, Sampled
from bot.store.records import Records
from bot.store.transaction import writing
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from clustering.trend import Growth, growths
from clustering.wish import Wish


class KeptModes(Records):
    """Failures and failure modes."""

    def failures(self, tenant: str) -> list[Failure]:
        """Return every failure, oldest first."""
        with self.engine.connect() as connection:
            return failures.failures(connection, tenant)

    def failures_of_mode(self, tenant: str, failure_mode_id: str) -> list[Failure]:
        """Return the failures of a failure mode, oldest first."""
        with self.engine.connect() as connection:
            return failures.failures_of_mode(connection, tenant, failure_mode_id)

    def undescribed(self, tenant: str) -> list[Failure]:
        """Return the failures that an earlier version kept without a description."""
        with self.engine.connect() as connection:
            return failures.undescribed(connection, tenant)

    def keep_described(self, tenant: str, found: Sequence[Failure], texts: Sequence[str]) -> None:
        """Keep failures with their descriptions."""
        with writing(self.engine) as connection:
            failures.keep_described(connection, tenant, found, texts)

    def sample(self, tenant: str) -> list[Sampled]:
        """Return a few failures of each kind, oldest first: what stands for all when failures are grouped."""
        with self.engine.connect() as connection:
            return grouping.sample(connection, tenant)

    def save_grouping(self, tenant: str, modes: Sequence[FailureMode], moves: Sequence[Move]) -> None:
        """Keep these failure modes, let failures join theirs, and count whom each reaches."""
        with writing(self.engine) as connection:
            grouping.save_grouping(connection, tenant, modes, moves)

    def merge_members(self, tenant: str, target: FailureMode, source: FailureMode) -> None:
        """Let the failures of `source` go into `target`, which inherits what was said of it."""
        with writing(self.engine) as connection:
            grouping.merge_members(connection, tenant, target, source)

    def services_that_failed(self, tenant: str) -> list[str]:
        """Return the services that have failures, as the columns hold them."""
        with self.engine.connect() as connection:
            return grouping.services_that_failed(connection, tenant)

    def service_owners(self, tenant: str) -> dict[str, str]:
        """Return the agent that owned each service when that was last known."""
        with self.engine.connect() as connection:
            return grouping.service_owners(connection, tenant)

    def keep_service_owners(self, tenant: str, owners: Mapping[str, str]) -> None:
        """Note which agent owns these services."""
        with writing(self.engine) as connection:
            grouping.keep_service_owners(connection, tenant, owners)

    def wishes(self, tenant: str) -> list[Wish]:
        """Return what people merged and split by hand, oldest first."""
        with self.engine.connect() as connection:
            return wishes.wishes(connection, tenant)

    def keep_wish(self, tenant: str, wish: Wish) -> None:
        """Remember what a person merged or split."""
        with writing(self.engine) as connection:
            wishes.keep_wish(connection, tenant, wish, now=self._now())

    def examples(self, tenant: str, failure_mode_id: str) -> list[Failure]:
        """Return the last failures of a failure mode whose traces are deleted, oldest first."""
        with self.engine.connect() as connection:
            return examples.examples(connection, tenant, failure_mode_id)

    def modes_with_members(self, tenant: str) -> frozenset[str]:
        """Return the failure modes whose traces are not all deleted."""
        with self.engine.connect() as connection:
            return failure_modes.modes_with_members(connection, tenant)

    def failure_modes(self, tenant: str) -> list[FailureMode]:
        """Return every failure mode, the one with most traces first."""
        with self.engine.connect() as connection:
            return failure_modes.failure_modes(connection, tenant)

    def growths(self, tenant: str) -> dict[str, Growth]:
        """Return the trend of each failure mode that showed in the last weeks."""
        with self.engine.connect() as connection:
            return growths(people.people_by_day(connection, tenant, now=self._now()))

    def failure_mode(self, tenant: str, failure_mode_id: str) -> FailureMode | None:
        """Return one failure mode, or None."""
        with self.engine.connect() as connection:
            return failure_modes.failure_mode(connection, tenant, failure_mode_id)

    def members(self, tenant: str) -> dict[FailureId, str]:
        """Return the failure mode id of every failure that has one."""
        with self.engine.connect() as connection:
            return failure_modes.members(connection, tenant)

    def traces_of_mode(self, tenant: str, failure_mode_id: str, *, limit: int = 100) -> list[str]:
        """Return the traces that show a failure mode, the latest failure first."""
        with self.engine.connect() as connection:
            return failure_modes.traces_of_mode(connection, tenant, failure_mode_id, limit=limit)

    def save_modes(
        self, tenant: str, modes: Sequence[FailureMode], members: Mapping[str, Iterable[tuple[str, str, str]]]
    ) -> None:
        """Keep these failure modes and make `members`, failure ids by failure mode id, their members."""
        with writing(self.engine) as connection:
            failure_modes.save_modes(connection, tenant, modes, members)

    def set_status(self, tenant: str, failure_mode_id: str, status: Status) -> None:
        """Note where a failure mode stands."""
        with writing(self.engine) as connection:
            failure_modes.set_status(connection, tenant, failure_mode_id, status)

    def set_title(self, tenant: str, failure_mode_id: str, title: str) -> None:
        """Call a failure mode so."""
        with writing(self.engine) as connection:
            failure_modes.set_title(connection, tenant, failure_mode_id, title)

    def embedding_cache(self, tenant: str, model: str) -> EmbeddingCache:
        """Return the vectors of a model that were computed before, by text."""
        return EmbeddingCache(self.engine, tenant=tenant, model=model, now=self._now)
