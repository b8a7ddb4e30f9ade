"""Refusals: errors that came with a Retry-After, which hold until it has passed. No I/O but the clock.

A provider that says "again in 7 seconds" refuses whoever comes before. Replayed, that is a second at most. Where the
recorded run itself came too early and was answered all the same, the provider did not mean it, and nothing is held.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from fixers.replay.cassette import HttpCall, ModelCall
from fixers.replay.tape import Tape
from fixers.replay.wire import retry_after_s, scaled_s

LIMITED = frozenset({429, 503})
LOOSE = 1  # of a call's fingerprints, the one without ids and clocks
EARLY = 0.9  # of the wait: clocks and sleeps are not exact

Call = TypeVar("Call", ModelCall, HttpCall)


class Refusals(Generic[Call]):
    """What holds at the moment, by the request: see `Playback`."""

    def __init__(self, recorded: Iterable[tuple[Sequence[str], Call]], clock: Callable[[], float]) -> None:
        """Read the recorded calls, each with its fingerprints, in their order."""
        self._clock = clock
        #: Refusals that hold, by their identity.
        self._binding: set[int] = set()
        #: Recorded repeats that came too early, and were refused again.
        self._hasty: set[int] = set()
        self._last: dict[str, tuple[Call, float]] = {}
        alike: defaultdict[str, list[Call]] = defaultdict(list)
        for fingerprints, call in recorded:
            alike[fingerprints[LOOSE]].append(call)
        for calls in alike.values():
            self._learn(calls)

    def _learn(self, recorded: Sequence[Call]) -> None:
        for call, after in zip(recorded, [*recorded[1:], None], strict=True):
            wait_s = _wait_s(call)
            gap_s = _gap_s(call, after)
            came_early = gap_s is not None and gap_s < wait_s
            if not wait_s or (came_early and after is not None and not _is_refused(after)):
                continue
            self._binding.add(id(call))
            if after is not None and gap_s is not None and _is_refused(after) and gap_s < scaled_s(wait_s) * EARLY:
                self._hasty.add(id(after))

    def holds(self, fingerprints: Sequence[str], tape: Tape[Call]) -> Call | None:
        """Return the refusal that a request meets which comes too early.

        One that has waited is not for the recorded refusals of those who had not: they are taken off the tape.
        """
        refused, until = self._last.get(fingerprints[LOOSE], (None, 0.0))
        if refused is None:
            return None
        is_early = self._clock() < until
        while (recorded := tape.peek(fingerprints)) is not None and id(recorded) in self._hasty:
            if is_early:
                return None  # as it was recorded
            tape.take(fingerprints)
        return refused if is_early else None

    def given(self, fingerprints: Sequence[str], call: Call) -> None:
        """Note that a recorded call was the answer."""
        request = fingerprints[LOOSE]
        self._last.pop(request, None)
        if id(call) in self._binding:
            self._last[request] = call, self._clock() + scaled_s(_wait_s(call)) * EARLY


def _is_refused(call: ModelCall | HttpCall) -> bool:
    if isinstance(call, HttpCall):
        return call.status in LIMITED
    return call.error is not None and call.error.status in LIMITED


def _wait_s(call: ModelCall | HttpCall) -> float:
    """Return the seconds that a refusal asked for; 0 when it is none, or asked for none."""
    if not _is_refused(call):
        return 0.0
    headers = call.headers if isinstance(call, HttpCall) else call.error.headers if call.error else {}
    return retry_after_s(headers) or 0.0


def _gap_s(call: ModelCall | HttpCall, after: ModelCall | HttpCall | None) -> float | None:
    """Return the seconds from the end of a call to the beginning of the next one; None when nobody knows."""
    if after is None or call.began_ms is None or after.began_ms is None:
        return None
    return (after.began_ms - call.began_ms - call.duration_ms) / 1000
