"""Retention: what is kept for how long, and within how many bytes; everything older is deleted, oldest first."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.store.prune import Pruned, Rest
from bot.store.size import Hour
from bot.store.store import Store
from bot.sweep import REMEMBERED

#: Between two looks.
INTERVAL = timedelta(hours=1)
# By size, what came in the last hour stays: the detectors look at a trace before it is deleted.
ALWAYS_KEPT = timedelta(hours=1)
# GitHub may send a delivery again for as long as it remembers it: until then we must know that we had it.
DELIVERIES_KEPT = REMEMBERED + timedelta(days=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST_REST_S = 0.005
log = logging.getLogger(__name__)

#: Deletes the finished work of before a time; returns how many workflows that were.
ForgetFinished = Callable[[datetime], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What the operator decided."""

    #: Days that a trace is kept after its last span came, to the day; 0 is for ever.
    keep_days: float = 0.0
    #: Bytes that everything of all tenants may take; 0 is without a limit.
    keep_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was done to keep within the limits, or would be."""

    #: Everything older was deleted; None when nothing is too old or too much.
    before: datetime | None
    pruned: Pruned
    n_deliveries: int = 0
    n_workflows: int = 0


def sleep(held_s: float) -> None:
    """Let others have the database for as long as it was held."""
    time.sleep(max(SHORTEST_REST_S, held_s))


def keep_within(
    store: Store, retention: Retention, *, now: datetime, rest: Rest, forget_finished: ForgetFinished
) -> Kept:
    """Delete what is too old, then the oldest as long as it is too much, and give the room back to the disk.

    Any number of workers may do this at once: they take turns.
    """
    store.prepare_days()
    with store.turn("retention"):
        before, pruned = _by_age(retention, now), Pruned()
        if before is not None:
            pruned = store.prune(before, rest=rest)
        if retention.keep_bytes:
            before, by_size = _prune_by_size(store, retention.keep_bytes, before=before, now=now, rest=rest)
            pruned = pruned.plus(by_size)
        if before is None:
            return Kept(before=None, pruned=pruned)
        handled = min(before, now - DELIVERIES_KEPT)
        n_workflows, n_deliveries = forget_finished(handled), store.drop_handled(handled)
        store.shrink(rest=rest)
    return Kept(before=before, pruned=pruned, n_deliveries=n_deliveries, n_workflows=n_workflows)


def would_keep(store: Store, retention: Retention, *, now: datetime) -> Kept:
    """Return about what `keep_within` would delete now: by size, as if no pull request kept anything."""
    before = _by_age(retention, now)
    if retention.keep_bytes:
        before = _by_size(store, retention.keep_bytes, before=before or BEGINNING, now=now, dry=True) or before
    return Kept(before=before, pruned=Pruned() if before is None else store.would_prune(before))


def _by_age(retention: Retention, now: datetime) -> datetime | None:
    """Return the midnight before which everything is too old: the days of PostgreSQL go as a whole."""
    if not retention.keep_days:
        return None
    try:
        return (now - timedelta(days=retention.keep_days)).replace(hour=0, minute=0, second=0, microsecond=0)
    except OverflowError:
        return None


def _prune_by_size(
    store: Store, keep_bytes: int, *, before: datetime | None, now: datetime, rest: Rest
) -> tuple[datetime | None, Pruned]:
    done = Pruned()
    while later := _by_size(store, keep_bytes, before=before or BEGINNING, now=now):
        done = done.plus(store.prune(later, rest=rest)._replace(n_kept=0))
        before = later
    if (n_bytes := store.size().n_bytes) > keep_bytes:
        why = "what remains came within the hour, or is evidence of open pull requests"
        log.warning("%d bytes are kept, %d are allowed: %s", n_bytes, keep_bytes, why)
    return before, done


def _by_size(store: Store, keep_bytes: int, *, before: datetime, now: datetime, dry: bool = False) -> datetime | None:
    hours = store.size_by_hour()
    freed = sum(hour.n_bytes for hour in hours if hour.end <= before) if dry else 0.0
    return cutoff(store.size().n_bytes - freed - keep_bytes, hours, after=before, latest=now - ALWAYS_KEPT)


def cutoff(excess: float, hours: Sequence[Hour], *, after: datetime, latest: datetime) -> datetime | None:
    """Return the end of the hour up to which everything must go, for as many bytes to be free as are too many.

    Parameters
    ----------
    excess
        Bytes; nothing must go when they are not above 0.
    hours
        The oldest first.
    after
        Up to here everything went already that may go.
    latest
        What came later stays, however much it is.

    """
    found = None
    for hour in hours:
        if excess <= 0 or hour.end > latest:
            break
        if hour.end > after:
            found, excess = hour.end, excess - hour.n_bytes
    return found
