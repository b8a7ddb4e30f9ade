"""Group failures: by structural key first, then by the embedding of their descriptions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clustering.assign import UNASSIGNED, nearest_centroids
from clustering.cluster import FailureClusterer, centroid
from clustering.describe import ERROR_LIKE
from clustering.failure import Failure

# Average cosine distances; benchmarks/grouping.py measures them. Cards hold the words of people, which differ more; at
# .4 short complaints about different things begin to merge.
ERROR_THRESHOLD = 0.15
CARD_THRESHOLD = 0.3
MAX_FIT = 4_000  # unique texts that are clustered at once: 16 million distances


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Failures that one grouping put together."""

    #: Their structural key.
    key: str
    #: Positions of the members in what was grouped, ascending.
    members: tuple[int, ...]
    #: Mean of the members' embeddings, unit length, shape (n_features,).
    centroid: npt.NDArray[np.float32]


def threshold_of(detector: str) -> float:
    """Return the average cosine distance at which descriptions of this detector's failures part."""
    return ERROR_THRESHOLD if detector in ERROR_LIKE else CARD_THRESHOLD


def group(
    failures: Sequence[Failure],
    texts: Sequence[str],
    X: npt.NDArray[np.float32],
    *,
    weights: npt.NDArray[np.float64] | None = None,
    max_fit: int = MAX_FIT,
) -> list[Cluster]:
    """Return the clusters of `failures`, each failure in exactly one.

    Parameters
    ----------
    failures : Sequence[Failure]
        In any order; the result is ordered by first member.
    texts : Sequence[str]
        Their descriptions; equal texts are clustered once.
    X : ndarray of shape (n_failures, n_features)
        The embeddings of `texts`.
    weights : ndarray of shape (n_failures,) or None
        How many failures each stands for; by default one.
    max_fit : int
        At most so many unique texts are clustered at once, the most frequent first; the others join the nearest
        cluster, and what is near to none is clustered by itself.

    """
    rows_of_key: dict[str, list[int]] = {}
    for row, failure in enumerate(failures):
        rows_of_key.setdefault(failure.structural_key, []).append(row)
    clusters = [
        Cluster(
            key=key,
            members=tuple(members),
            centroid=centroid(X[members], None if weights is None else weights[members]),
        )
        for key, rows in rows_of_key.items()
        for members in _within_key(rows, texts, X, threshold_of(failures[rows[0]].detector), max_fit)
    ]
    return sorted(clusters, key=lambda cluster: cluster.members[0])


def _within_key(
    rows: Sequence[int], texts: Sequence[str], X: npt.NDArray[np.float32], threshold: float, max_fit: int
) -> Iterator[list[int]]:
    rows_of_text: dict[str, list[int]] = {}
    for row in rows:
        rows_of_text.setdefault(texts[row], []).append(row)
    frequent = sorted(rows_of_text, key=lambda text: -len(rows_of_text[text]))
    first_rows = np.array([rows_of_text[text][0] for text in frequent])
    labels = _labels(X[first_rows], threshold, max_fit)
    for label in range(int(labels.max()) + 1):
        yield sorted(row for i in np.flatnonzero(labels == label) for row in rows_of_text[frequent[i]])


def _labels(X: npt.NDArray[np.float32], threshold: float, max_fit: int) -> npt.NDArray[np.intp]:
    """Label rows that are ordered by frequency, `max_fit` at a time."""
    labels = np.full(len(X), UNASSIGNED, dtype=np.intp)
    n_clusters = 0
    while len(rest := np.flatnonzero(labels == UNASSIGNED)):
        batch, others = rest[:max_fit], rest[max_fit:]
        fitted = FailureClusterer(distance_threshold=threshold).fit(X[batch])
        labels[batch] = fitted.labels_ + n_clusters
        near = nearest_centroids(X[others], fitted.cluster_centers_, threshold=threshold)
        labels[others] = np.where(near == UNASSIGNED, UNASSIGNED, near + n_clusters)
        n_clusters += fitted.n_clusters_
    return labels
