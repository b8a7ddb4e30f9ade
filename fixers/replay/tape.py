"""Tape: recorded calls, each given once, in the order of the recording. No I/O."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Call = TypeVar("Call")


@dataclass(slots=True)
class _Entry(Generic[Call]):
    call: Call
    is_taken: bool = False


class Tape(Generic[Call]):
    """Calls by their fingerprints: a call may have several, the strictest first."""

    def __init__(self) -> None:
        self._entries: list[_Entry[Call]] = []
        self._by_fingerprint: defaultdict[str, deque[_Entry[Call]]] = defaultdict(deque)

    def add(self, fingerprints: Sequence[str], call: Call) -> None:
        """Add a call at the end."""
        entry = _Entry(call)
        self._entries.append(entry)
        for fingerprint in dict.fromkeys(fingerprints):
            self._by_fingerprint[fingerprint].append(entry)

    def take(self, fingerprints: Sequence[str]) -> Call | None:
        """Return the first call that was not taken yet and fits the strictest fingerprint that any fits."""
        for fingerprint in fingerprints:
            waiting = self._by_fingerprint.get(fingerprint, deque())
            while waiting:
                entry = waiting.popleft()
                if not entry.is_taken:
                    entry.is_taken = True
                    return entry.call
        return None

    def peek(self, fingerprints: Sequence[str]) -> Call | None:
        """Return the call that `take` would return, and leave it there."""
        for fingerprint in fingerprints:
            waiting = self._by_fingerprint.get(fingerprint, deque())
            while waiting and waiting[0].is_taken:
                waiting.popleft()
            if waiting:
                return waiting[0].call
        return None

    @property
    def is_used_up(self) -> bool:
        """Whether every call was taken."""
        return all(entry.is_taken for entry in self._entries)
