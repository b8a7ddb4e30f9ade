"""Turn failures into failure modes: group them, find each group's known mode, and count whom it reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clustering.assign import UNASSIGNED, assign
from clustering.describe import Place, place_of
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from clustering.group import Cluster, group, threshold_of
from clustering.kind import kind
from clustering.match import Match, match, next_status
from clustering.telling import Vocabulary
from clustering.title import title
from clustering.wish import Wish, obey

N_EXEMPLARS = 5


class ModeUpdate(NamedTuple):
    """What `update_modes` returns."""

    #: Every mode, known and new; the known ones come first, in the order given.
    modes: list[FailureMode]
    #: Mode id by `Failure.identity`, for every failure given.
    members: dict[str, str]


def update_modes(
    failures: Sequence[Failure],
    texts: Sequence[str],
    X: npt.NDArray[np.float32],
    *,
    previous: Sequence[FailureMode] = (),
    members: Mapping[str, str] | None = None,
    wishes: Sequence[Wish] = (),
    weights: Sequence[float] | None = None,
) -> ModeUpdate:
    """Return the failure modes of `failures`. The same input gives the same output, and repeating it changes nothing.

    A mode whose failures all went to other modes is returned with counts of zero; a mode none of whose failures are
    given is returned as it was.

    Parameters
    ----------
    failures : Sequence[Failure]
        All failures of one tenant that count, old and new.
    texts : Sequence[str]
        The description of each, from `clustering.describe.describe`.
    X : ndarray of shape (n_failures, n_features)
        The embedding of each text, unit length.
    previous : Sequence[FailureMode]
        The modes as they were last returned, with the status that was given to them since.
    members : Mapping[str, str] or None
        `ModeUpdate.members` as it was last returned.
    wishes : Sequence[Wish]
        What people merged and split by hand, oldest first.
    weights : Sequence[float] or None
        How many failures each stands for, where a few stand for many; by default one.

    """
    many = None if weights is None else np.asarray(weights, dtype=np.float64)
    clusters = obey(wishes, group(failures, texts, X, weights=many), failures, texts, X, weights=many)
    matches = match(clusters, failures, previous, members or {}, weights=weights)
    return _updated(clusters, matches, failures, texts, X, previous=previous, members=members or {})


def extend_modes(
    failures: Sequence[Failure],
    texts: Sequence[str],
    X: npt.NDArray[np.float32],
    *,
    previous: Sequence[FailureMode],
    members: Mapping[str, str],
    wishes: Sequence[Wish] = (),
) -> ModeUpdate | None:
    """Let each new failure join its kind's mode, or the one with the nearest centroid, without grouping anything anew.

    None when that will not do, and `update_modes` is needed: a new failure is near to no mode, or to one that people
    split; or an old one is gone, or has another owner now. The parameters are those of `update_modes`.
    """
    known = {mode.id: mode for mode in previous}
    mode_ids = [members.get(failure.identity, "") for failure in failures]
    if sum(mode_id in known for mode_id in mode_ids) != len(members) or _has_moved(failures, mode_ids, known):
        return None
    _join_their_kind(mode_ids, failures, texts, known)
    new = [row for row, mode_id in enumerate(mode_ids) if mode_id not in known]
    if new and wishes:
        return None
    places = [place_of(failure, text) for failure, text in zip(failures, texts, strict=True)]
    places_of = _places_of_modes(mode_ids, places)
    previous = _represented_anew(previous, mode_ids, X) if new else previous
    known = {mode.id: mode for mode in previous}
    for threshold in {threshold_of(failures[row].detector) for row in new}:
        rows = [row for row in new if threshold_of(failures[row].detector) == threshold]
        wanted = [places[row] for row in rows]
        nearest = assign(wanted, X[rows], previous, places_of=places_of, threshold=threshold)
        if UNASSIGNED in nearest:
            return None
        for row, index in zip(rows, nearest, strict=True):
            mode_ids[row] = previous[index].id
    rows_of_mode: dict[str, list[int]] = {}
    for row, mode_id in enumerate(mode_ids):
        rows_of_mode.setdefault(mode_id, []).append(row)
    clusters, matches = [], []
    for mode_id, rows in rows_of_mode.items():
        mode, inside = known[mode_id], [failures[row] for row in rows]
        clusters.append(Cluster(key=mode.structural_key, members=tuple(rows), centroid=mode.centroid))
        matches.append(Match(mode_id=mode_id, status=next_status(mode, inside, members), previous=mode))
    return _updated(clusters, matches, failures, texts, X, previous=previous, members=members)


def _represented_anew(
    modes: Sequence[FailureMode], mode_ids: Sequence[str], X: npt.NDArray[np.float32]
) -> list[FailureMode]:
    """Give each mode whose failures all say the same their vector: until other words came, it was a stand-in."""
    rows_of_mode: dict[str, list[int]] = {}
    for row, mode_id in enumerate(mode_ids):
        rows_of_mode.setdefault(mode_id, []).append(row)
    first = {mode_id: X[rows[0]] for mode_id, rows in rows_of_mode.items() if (X[rows] == X[rows[0]]).all()}
    return [replace(mode, centroid=first.get(mode.id, mode.centroid)) for mode in modes]


def _places_of_modes(mode_ids: Sequence[str], places: Sequence[Place]) -> dict[str, set[Place]]:
    found: dict[str, set[Place]] = {}
    for mode_id, place in zip(mode_ids, places, strict=True):
        found.setdefault(mode_id, set()).add(place)
    return found


def _has_moved(failures: Sequence[Failure], mode_ids: Sequence[str], known: Mapping[str, FailureMode]) -> bool:
    """Say whether a failure is in a mode of another owner than its own: an agent was connected, or took a service."""
    return any(
        mode_id in known and known[mode_id].owner != failure.owner
        for failure, mode_id in zip(failures, mode_ids, strict=True)
    )


def _join_their_kind(
    mode_ids: list[str], failures: Sequence[Failure], texts: Sequence[str], known: Mapping[str, FailureMode]
) -> None:
    """Give failures without a mode that of their kind: equal descriptions are never apart."""
    kinds = [kind(failure, text) for failure, text in zip(failures, texts, strict=True)]
    mode_of_kind = {name: mode_id for name, mode_id in zip(kinds, mode_ids, strict=True) if mode_id in known}
    mode_ids[:] = [
        mode_id if mode_id in known else mode_of_kind.get(name, "")
        for name, mode_id in zip(kinds, mode_ids, strict=True)
    ]


def _updated(
    clusters: Sequence[Cluster],
    matches: Sequence[Match],
    failures: Sequence[Failure],
    texts: Sequence[str],
    X: npt.NDArray[np.float32],
    *,
    previous: Sequence[FailureMode],
    members: Mapping[str, str],
) -> ModeUpdate:
    """Count whom each cluster reached; a mode that lost all its members to others is kept with counts of zero."""
    vocabulary = Vocabulary({texts[row] for row in cluster.members} for cluster in clusters)
    updated, named = {}, {}
    for matched, cluster in zip(matches, clusters, strict=True):
        updated[matched.mode_id] = _mode(matched, cluster, failures, X)
        nearest_first = _nearest_first(cluster, failures, X)
        named[matched.mode_id] = partial(_title, nearest_first, failures, texts, vocabulary)
    updated = _titled(updated, matches, named)
    now = {
        failures[row].identity: matched.mode_id
        for matched, cluster in zip(matches, clusters, strict=True)
        for row in cluster.members
    }
    moved = {members[identity] for identity in now if identity in members}
    kept = {mode.id: _emptied(mode) if mode.id in moved else mode for mode in previous}
    return ModeUpdate(modes=list((kept | updated).values()), members=now)


def _mode(matched: Match, cluster: Cluster, failures: Sequence[Failure], X: npt.NDArray[np.float32]) -> FailureMode:
    nearest_first = _nearest_first(cluster, failures, X)
    typical = nearest_first[0]
    inside = [failures[row] for row in cluster.members]
    known = _still(matched.previous, inside) or failures[typical]
    seen = [failure.occurred_at for failure in inside]
    return FailureMode(
        id=matched.mode_id,
        title=matched.previous.title if matched.previous else "",
        status=matched.status,
        detector=known.detector,
        key=known.key,
        service=failures[typical].service,
        owner=failures[typical].owner,
        ancestors=_ancestors(matched),
        centroid=cluster.centroid,
        exemplars=_exemplars([failures[row] for row in nearest_first]),
        n_traces=len({failure.trace_id for failure in inside}),
        n_sessions=len({failure.session_id for failure in inside} - {None}),
        n_users=len({failure.user_id for failure in inside} - {None}),
        first_seen=min(seen),
        last_seen=max(seen),
    )


def _titled(
    modes: Mapping[str, FailureMode], matches: Sequence[Match], named: Mapping[str, Callable[[], str]]
) -> dict[str, FailureMode]:
    """Title the new modes; and one whose title says what a part says that was split off from it, by what is left."""
    titled = {mode.id: mode if mode.title else replace(mode, title=named[mode.id]()) for mode in modes.values()}
    for matched in matches:
        for origin in matched.came_from if matched.previous is None else ():
            if origin in titled and titled[origin].title == titled[matched.mode_id].title:
                titled[origin] = replace(titled[origin], title=named[origin]())
    return titled


def _title(
    nearest_first: Sequence[int], failures: Sequence[Failure], texts: Sequence[str], vocabulary: Vocabulary
) -> str:
    """Title a mode by the member whose words set it apart best."""
    row_of = {texts[row]: row for row in reversed(nearest_first)}
    telling = vocabulary.telling(list(dict.fromkeys(texts[row] for row in nearest_first)))
    return title(failures[row_of[telling]], telling)


def _still(mode: FailureMode | None, inside: Sequence[Failure]) -> FailureMode | None:
    """Return the mode as it was if it still holds such failures: one that people merged holds those of several keys."""
    if mode is None or (mode.detector, mode.key) not in {(f.detector, f.key) for f in inside}:
        return None
    return mode


def _ancestors(matched: Match) -> tuple[str, ...]:
    before = matched.previous.ancestors if matched.previous else ()
    return tuple(dict.fromkeys((*before, *matched.came_from)))


def _nearest_first(cluster: Cluster, failures: Sequence[Failure], X: npt.NDArray[np.float32]) -> list[int]:
    """Return the members by distance to the centroid; the latest first where that is equal to six digits."""
    similarity = np.round(X[list(cluster.members)] @ cluster.centroid, 6)
    rows = zip(similarity, cluster.members, strict=True)
    ordered = sorted(rows, key=lambda pair: (-pair[0], -failures[pair[1]].occurred_at.timestamp(), pair[1]))
    return [row for _, row in ordered]


def _exemplars(nearest_first: Sequence[Failure]) -> tuple[tuple[str, str], ...]:
    """Return the nearest members, one of each trace."""
    first_of_trace = {failure.trace_id: failure for failure in reversed(nearest_first)}
    different = [failure for failure in nearest_first if first_of_trace[failure.trace_id] is failure]
    return tuple((failure.trace_id, failure.span_id) for failure in different[:N_EXEMPLARS])


def _emptied(mode: FailureMode) -> FailureMode:
    return replace(mode, exemplars=(), n_traces=0, n_sessions=0, n_users=0)
