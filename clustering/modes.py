"""Turn failures into failure modes: group them, find each group's known mode, and count whom it reached."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from clustering.group import Cluster, group
from clustering.match import Match, match
from clustering.title import title

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

    """
    assigned = members or {}
    clusters = group(failures, texts, X)
    matches = match(clusters, failures, previous, assigned)
    updated = {
        matched.mode_id: _mode(matched, cluster, failures, texts, X)
        for matched, cluster in zip(matches, clusters, strict=True)
    }
    now = {
        failures[row].identity: matched.mode_id
        for matched, cluster in zip(matches, clusters, strict=True)
        for row in cluster.members
    }
    moved = {assigned[identity] for identity in now if identity in assigned}
    kept = {mode.id: _emptied(mode) if mode.id in moved else mode for mode in previous}
    return ModeUpdate(modes=list((kept | updated).values()), members=now)


def _mode(
    matched: Match, cluster: Cluster, failures: Sequence[Failure], texts: Sequence[str], X: npt.NDArray[np.float32]
) -> FailureMode:
    nearest_first = _nearest_first(cluster, failures, X)
    typical = nearest_first[0]
    inside = [failures[row] for row in cluster.members]
    seen = [failure.occurred_at for failure in inside]
    return FailureMode(
        id=matched.mode_id,
        title=matched.previous.title if matched.previous else title(failures[typical], texts[typical]),
        status=matched.status,
        detector=failures[typical].detector,
        key=failures[typical].key,
        centroid=cluster.centroid,
        exemplars=_exemplars([failures[row] for row in nearest_first]),
        n_traces=len({failure.trace_id for failure in inside}),
        n_sessions=len({failure.session_id for failure in inside} - {None}),
        n_users=len({failure.user_id for failure in inside} - {None}),
        first_seen=min(seen),
        last_seen=max(seen),
    )


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
