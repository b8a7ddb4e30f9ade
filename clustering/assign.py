"""Assign new failures to known failure modes between two clusterings."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clustering.failure import Failure
from clustering.failure_mode import FailureMode

UNASSIGNED = -1


def assign(
    failures: Sequence[Failure], X: npt.NDArray[np.float32], modes: Sequence[FailureMode], *, threshold: float = 0.3
) -> npt.NDArray[np.intp]:
    """Return for each failure the index of its nearest mode, or -1.

    Parameters
    ----------
    failures : Sequence[Failure]
        What came in.
    X : ndarray of shape (n_failures, n_features)
        Their embeddings, unit length.
    modes : Sequence[FailureMode]
        Only modes with the failure's structural key are considered.
    threshold : float
        Largest cosine distance to the centroid.

    """
    labels = np.full(len(failures), UNASSIGNED, dtype=np.intp)
    keys = np.array([failure.structural_key for failure in failures], dtype=object)
    for key in {mode.structural_key for mode in modes}.intersection(keys):
        rows = np.flatnonzero(keys == key)
        candidates = np.array([i for i, mode in enumerate(modes) if mode.structural_key == key])
        centroids = np.stack([mode.centroid for mode in modes if mode.structural_key == key])
        nearest = nearest_centroids(X[rows], centroids, threshold=threshold)
        labels[rows] = np.where(nearest == UNASSIGNED, UNASSIGNED, candidates[nearest])
    return labels


def nearest_centroids(
    X: npt.NDArray[np.float32], centroids: npt.NDArray[np.float32], *, threshold: float
) -> npt.NDArray[np.intp]:
    """Return for each row of `X` the index of the nearest centroid within `threshold`, or -1; all of unit length."""
    if not len(X) or not len(centroids):
        return np.full(len(X), UNASSIGNED, dtype=np.intp)
    distances = 1.0 - X @ centroids.T
    nearest = distances.argmin(axis=1)
    within = distances[np.arange(len(X)), nearest] <= threshold
    return np.where(within, nearest, UNASSIGNED)
