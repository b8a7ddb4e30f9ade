"""Group commit: what many threads want kept at the same moment reaches the disk in one transaction.

There is no writer thread to start, stop or lose. The first caller that finds nobody committing commits for everybody
who waits; while it does, the next group gathers behind it. A lone caller waits for nobody.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from webhooks.errors import Unavailable

# A transaction that stays well under a second on a slow disk.
MAX_GROUP_BYTES = 16 * 1024 * 1024
# Two of the largest requests: beyond that, memory is better spent on telling senders to come again.
MAX_WAITING_BYTES = 128 * 1024 * 1024

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry(Generic[T]):
    item: T
    n_bytes: int
    done: bool = False
    #: What its caller shall see; until the commit succeeds, that it did not.
    error: Exception | None = field(default_factory=lambda: Unavailable("the commit was interrupted"))


class GroupCommit(Generic[T]):
    """Commits what its callers bring, in groups.

    Parameters
    ----------
    commit
        Keeps all items or none of them; one call at a time. Unavailable from it concerns every item; after any other
        exception each item is tried alone, and the exception goes to the caller whose item it is.
    max_group_bytes
        The most that one commit takes, unless a single item is larger.
    max_waiting_bytes
        The most that may wait, unless a single item is larger.

    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], None],
        *,
        max_group_bytes: int = MAX_GROUP_BYTES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._commit = commit
        self._max_group_bytes = max_group_bytes
        self._max_waiting_bytes = max_waiting_bytes
        self._changed = threading.Condition()
        self._waiting: deque[_Entry[T]] = deque()
        self._waiting_bytes = 0
        self._committing = False
        self._closed = False

    def keep(self, item: T, *, n_bytes: int) -> None:
        """Return after the commit that holds the item, which takes `n_bytes` of memory.

        Raises
        ------
        Unavailable
            When too much waits already, after `close`, and when the commit says so.

        """
        entry = _Entry(item=item, n_bytes=n_bytes)
        self._admit(entry)
        while not entry.done:
            if group := self._next_group(entry):
                self._finish(group)
        if entry.error is not None:
            raise entry.error

    def close(self) -> None:
        """Refuse what comes from now on, and return when all that came before is committed."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: not self._waiting and not self._committing)

    @property
    def n_waiting(self) -> int:
        """Items that wait for the commit under way to end."""
        return len(self._waiting)

    def _admit(self, entry: _Entry[T]) -> None:
        with self._changed:
            if self._closed:
                raise Unavailable("the receiver is shutting down")
            if self._waiting and self._waiting_bytes + entry.n_bytes > self._max_waiting_bytes:
                raise Unavailable(f"{self._waiting_bytes} bytes wait for the database already")
            self._waiting.append(entry)
            self._waiting_bytes += entry.n_bytes

    def _next_group(self, entry: _Entry[T]) -> list[_Entry[T]]:
        """Return what this caller shall commit; nothing when another one committed its entry meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: entry.done or not self._committing)
            if entry.done:
                return []
            self._committing = True
            return self._take()

    def _take(self) -> list[_Entry[T]]:
        """Take the oldest entries, as many as one commit may hold."""
        taken = [self._waiting.popleft()]
        n_bytes = taken[0].n_bytes
        while self._waiting and n_bytes + self._waiting[0].n_bytes <= self._max_group_bytes:
            taken.append(self._waiting.popleft())
            n_bytes += taken[-1].n_bytes
        self._waiting_bytes -= n_bytes
        return taken

    def _finish(self, group: Sequence[_Entry[T]]) -> None:
        try:
            self._commit_or_blame(group)
        finally:
            with self._changed:
                self._committing = False
                for entry in group:
                    entry.done = True
                self._changed.notify_all()

    def _commit_or_blame(self, group: Sequence[_Entry[T]]) -> None:
        """Commit the group; where that fails, find out whose fault it is."""
        error = self._try(group)
        if error is None or isinstance(error, Unavailable) or len(group) == 1:
            for entry in group:
                entry.error = error
            return
        for entry in group:
            entry.error = self._try([entry])

    def _try(self, group: Sequence[_Entry[T]]) -> Exception | None:
        try:
            self._commit([entry.item for entry in group])
        except Exception as error:  # noqa: BLE001  # not swallowed: `keep` raises it in the thread that it belongs to
            return error
        return None
