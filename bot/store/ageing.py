"""Ageing: what is old, of all tenants: how much there is, and its end."""

from datetime import datetime

from bot.store import days, deliveries, prune, size
from bot.store.prune import Pruned, Rest
from bot.store.records import Records
from bot.store.size import Hour, Size
from bot.store.transaction import writing


class Ageing(Records):
    """What is old, of all tenants: how much there is, and its end."""

    def prepare_days(self) -> list[str]:
        """Make the tables of the days to come, on PostgreSQL; return their names."""
        return days.create_ahead(self.engine, now=self._now())

    def prune(self, before: datetime, *, rest: Rest = lambda _: None) -> Pruned:
        """Delete the traces that nothing came for since a time, all but the evidence of open pull requests."""
        return prune.prune(self.engine, before, rest=rest)

    def would_prune(self, before: datetime) -> Pruned:
        """Return what `prune` would delete now."""
        return prune.would_prune(self.engine, before)

    def drop_handled(self, before: datetime) -> int:
        """Delete the deliveries of a time that were handled; return how many."""
        with writing(self.engine) as connection:
            return deliveries.drop_handled(connection, before)

    def size(self) -> Size:
        """Return how many bytes everything takes, and since when."""
        with self.engine.connect() as connection:
            return size.size(connection)

    def size_by_hour(self) -> list[Hour]:
        """Return in which hours it came, the oldest first."""
        with self.engine.connect() as connection:
            return size.by_hour(connection)

    def shrink(self, *, rest: Rest = lambda _: None) -> None:
        """Give the room of what was deleted back to the disk, as far as the database does so at all."""
        size.shrink(self.engine, rest=rest)
