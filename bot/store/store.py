"""Store: everything that is kept, each method one transaction. The rooms around it see no SQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import sqlalchemy as sa

from bot.store import disk
from bot.store.ageing import Ageing
from bot.store.arrivals import Arrivals
from bot.store.decided import Decided
from bot.store.dialects import decode_body
from bot.store.group_commit import GroupCommit
from bot.store.kept_fixes import KeptFixes
from bot.store.kept_lessons import KeptLessons
from bot.store.kept_modes import KeptModes
from bot.store.kept_runs import KeptRuns
from bot.store.kept_traces import KeptTraces
from bot.store.known_keys import KnownKeys
from bot.store.migrate import migrate
from bot.store.replaced import Replaced
from bot.store.tenancy import Tenancy
from bot.store.traces import Decode
from bot.store.turn import turn


class Store(Arrivals, Ageing, Tenancy, KeptTraces, KeptRuns, KeptModes, KeptFixes, Decided, KeptLessons):
    """The records of all tenants; every method but the few that say so sees those of one tenant only.

    Satisfies `webhooks.inbox.Inbox`. Every write may be repeated with the same arguments.

    Parameters
    ----------
    engine
        From `bot.store.engine.open_engine`; the schema is brought up to date here.
    now
        The clock.
    decode
        Reads a kept body again, by dialect.
    min_free_bytes
        Space that must stay free on the disk of a SQLite database; with less, nothing more is accepted.

    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        now: Callable[[], datetime],
        decode: Decode = decode_body,
        min_free_bytes: int = disk.MIN_FREE_BYTES,
    ) -> None:
        migrate(engine)
        self.engine = engine
        self._now = now
        self._decode = decode
        self._min_free_bytes = min_free_bytes
        self._known_keys = KnownKeys(now=now)
        self._replaced = Replaced()
        self._batches = GroupCommit(self._commit_batches)

    def close(self) -> None:
        """Commit what waits, refuse what comes later, and close the connections."""
        self._batches.close()
        self.engine.dispose()

    def turn(self, name: str) -> AbstractContextManager[None]:
        """Return a context in which no other worker is, nor another thread, that asked for the same name."""
        return turn(self.engine, name)
