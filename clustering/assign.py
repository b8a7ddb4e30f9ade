"""Assign new failures to known failure modes between two clusterings."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from clustering.describe import Place
from clustering.failure_mode import FailureMode

UNASSIGNED = -1
SAME_SITE = 0.5  # what a distance counts between errors that one function raised


def assign(
    places: Sequence[Place],
    X: npt.NDArray[np.float32],
    modes: Sequence[FailureMode],
    *,
    places_of: Mapping[str, Collection[Place]],
    threshold: float,
) -> npt.NDArray[np.intp]:
    """Return for each failure the index of its nearest mode, or -1.

    Parameters
    ----------
    places : Sequence[Place]
        The place of each failure that came in.
    X : ndarray of shape (n_failures, n_features)
        Their embeddings, unit length.
    modes : Sequence[FailureMode]
        Where they may go.
    places_of : Mapping[str, Collection[Place]]
        The places of each mode's members, by its id: only modes with the failure's key are considered.
    threshold : float
        Largest cosine distance to the centroid.

    """
    labels = np.full(len(places), UNASSIGNED, dtype=np.intp)
    rows_of_key: dict[str, list[int]] = {}
    for row, place in enumerate(places):
        rows_of_key.setdefault(place.key, []).append(row)
    keys_of = {mode_id: {place.key for place in within} for mode_id, within in places_of.items()}
    for key, rows in rows_of_key.items():
        candidates = [i for i, mode in enumerate(modes) if key in keys_of.get(mode.id, ())]
        if candidates:
            sites = [{place.site for place in places_of[modes[i].id]} for i in candidates]
            centroids = np.stack([modes[i].centroid for i in candidates])
            found = nearest(distances_at([places[row].site for row in rows], X[rows], sites, centroids), threshold)
            labels[rows] = np.where(found == UNASSIGNED, UNASSIGNED, np.array(candidates, dtype=np.intp)[found])
    return labels


def distances_at(
    sites: Sequence[str],
    X: npt.NDArray[np.float32],
    others: Sequence[Collection[str]],
    Y: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """Return cosine distances of rows of unit length, shape (len(X), len(Y)); those that share a site are nearer."""
    distances: npt.NDArray[np.float32] = np.maximum(1.0 - X @ Y.T, 0.0)
    columns_of: dict[str, list[int]] = {}
    for column, there in enumerate(others):
        for site in there:
            columns_of.setdefault(site, []).append(column)
    for row, site in enumerate(sites):
        if site and (columns := columns_of.get(site)):
            distances[row, columns] *= SAME_SITE
    return distances


def nearest(distances: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.intp]:
    """Return for each row the column of the least distance, or -1 where that is more than `threshold`."""
    if not distances.size:
        return np.full(len(distances), UNASSIGNED, dtype=np.intp)
    found = distances.argmin(axis=1)
    within = distances[np.arange(len(distances)), found] <= threshold
    return np.where(within, found, UNASSIGNED)
