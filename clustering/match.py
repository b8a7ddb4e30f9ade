"""Keep a failure mode's identity when failures are clustered again."""

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from clustering.group import Cluster, threshold_of

ID_LENGTH = 16  # hex digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which failure mode a cluster is, and where that mode now stands."""

    mode_id: str
    status: Status
    #: The mode as it was; None when it is new.
    previous: FailureMode | None
    #: The modes that this one was split off from, or that went into it, but for those known before.
    came_from: tuple[str, ...] = ()


def match(
    clusters: Sequence[Cluster],
    failures: Sequence[Failure],
    previous: Sequence[FailureMode],
    members: Mapping[str, str],
    *,
    weights: Sequence[float] | None = None,
) -> list[Match]:
    """Return the failure mode of each cluster; no mode is given to two clusters.

    A cluster is the mode that it shares most members with; clusters and modes left over are matched by the distance
    of their centroids, within one structural key. What is still left is new: its id is a hash of the structural key
    and the earliest member, so that a run that is repeated finds the same id.

    Parameters
    ----------
    clusters : Sequence[Cluster]
        As `group` returns them, for `failures`.
    failures : Sequence[Failure]
        What was clustered.
    previous : Sequence[FailureMode]
        The modes known so far.
    members : Mapping[str, str]
        Mode id by `Failure.identity`, as of the last clustering.
    weights : Sequence[float] or None
        How many failures each stands for; by default one.

    """
    known = {mode.id: mode for mode in previous}
    shared = _shared(clusters, failures, known, members, weights or [1.0] * len(failures))
    chosen = _choose(clusters, failures, known, shared)
    chosen_ids = {mode.id for mode in chosen.values()}
    taken = set(known)
    matches = []
    for i, cluster in enumerate(clusters):
        inside = [failures[row] for row in cluster.members]
        mode = chosen.get(i)
        mode_id = mode.id if mode else _new_id(inside, taken)
        taken.add(mode_id)
        came_from = _came_from(i, mode, shared, chosen_ids)
        status = next_status(mode, inside, members) if mode else _first_status(came_from, known)
        matches.append(Match(mode_id=mode_id, status=status, previous=mode, came_from=came_from))
    return matches


def _shared(
    clusters: Sequence[Cluster],
    failures: Sequence[Failure],
    known: Container[str],
    members: Mapping[str, str],
    weights: Sequence[float],
) -> dict[tuple[int, str], float]:
    """Return how many members each pair of cluster and known mode shares."""
    shared: dict[tuple[int, str], float] = {}
    for i, cluster in enumerate(clusters):
        for row in cluster.members:
            if (mode_id := members.get(failures[row].identity, "")) in known:
                shared[i, mode_id] = shared.get((i, mode_id), 0.0) + weights[row]
    return shared


def _came_from(
    i: int, mode: FailureMode | None, shared: Mapping[tuple[int, str], float], chosen_ids: Container[str]
) -> tuple[str, ...]:
    """Return the modes that went into a known one; for a new one, that which most of its known members were in."""
    before = {mode_id: n for (cluster, mode_id), n in shared.items() if cluster == i}
    if mode is not None:
        return tuple(sorted(mode_id for mode_id in before if mode_id != mode.id and mode_id not in chosen_ids))
    return tuple(sorted(mode_id for mode_id, n in before.items() if 2 * n > sum(before.values())))


def _choose(
    clusters: Sequence[Cluster],
    failures: Sequence[Failure],
    known: Mapping[str, FailureMode],
    shared: Mapping[tuple[int, str], float],
) -> dict[int, FailureMode]:
    chosen: dict[int, FailureMode] = {}
    given: set[str] = set()
    by_members = sorted(shared, key=lambda pair: (-shared[pair], pair))
    for i, mode_id in (*by_members, *_by_centroid(clusters, failures, known)):
        if i not in chosen and mode_id not in given:
            chosen[i] = known[mode_id]
            given.add(mode_id)
    return chosen


def _by_centroid(
    clusters: Sequence[Cluster], failures: Sequence[Failure], known: Mapping[str, FailureMode]
) -> Iterator[tuple[int, str]]:
    """Yield pairs of one structural key whose centroids are near, the nearest first."""
    near = []
    for i, cluster in enumerate(clusters):
        threshold = threshold_of(failures[cluster.members[0]].detector)
        for mode in known.values():
            if mode.structural_key == cluster.key and mode.centroid.shape == cluster.centroid.shape:
                distance = 1.0 - float(np.dot(mode.centroid, cluster.centroid))
                near += [(distance, i, mode.id)] if distance <= threshold else []
    yield from ((i, mode_id) for _, i, mode_id in sorted(near))


def _new_id(inside: Sequence[Failure], taken: Container[str]) -> str:
    """Hash its key and the earliest member whose hash is free: a mode that was split off may share the earliest."""
    earliest_first = sorted(inside, key=lambda failure: (failure.occurred_at, failure.identity))
    for salt in count():
        for failure in earliest_first:
            text = f"{failure.detector}:{failure.key}\n{failure.identity}\n{salt or ''}"
            found = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]
            if found not in taken:
                return found
    raise AssertionError  # count() does not end


def next_status(mode: FailureMode, inside: Sequence[Failure], members: Mapping[str, str]) -> Status:
    """Return where a known mode stands with these failures in it: one that came back is ongoing, or regressed."""
    came_back = any(failure.identity not in members and failure.occurred_at > mode.last_seen for failure in inside)
    after = {Status.NEW: Status.ONGOING, Status.RESOLVED: Status.REGRESSED}
    return after.get(mode.status, mode.status) if came_back else mode.status


def _first_status(came_from: Sequence[str], known: Mapping[str, FailureMode]) -> Status:
    """Return NEW; but what splits off from an archived mode is still what a person set aside."""
    return Status.ARCHIVED if any(known[each].status is Status.ARCHIVED for each in came_from) else Status.NEW
