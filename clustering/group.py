"""Group failures: by structural key first, then by the embedding of their descriptions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clustering.assign import UNASSIGNED, distances_at, nearest
from clustering.cluster import PRECOMPUTED, FailureClusterer, centroid
from clustering.describe import ERROR_LIKE, place_of
from clustering.failure import Failure

# Average cosine distances; benchmarks/grouping.py measures them. People's words differ more than those of programs.
ERROR_THRESHOLD = 0.25
WORDS_THRESHOLD = 0.5
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
    return ERROR_THRESHOLD if detector in ERROR_LIKE else WORDS_THRESHOLD


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
        The embeddings of their words.
    weights : ndarray of shape (n_failures,) or None
        How many failures each stands for; by default one.
    max_fit : int
        At most so many unique texts are clustered at once, the most frequent first; the others join the nearest
        cluster, and what is near to none is clustered by itself.

    """
    rows_of_key: dict[str, list[int]] = {}
    for row, (failure, text) in enumerate(zip(failures, texts, strict=True)):
        rows_of_key.setdefault(place_of(failure, text).key, []).append(row)
    clusters = [
        Cluster(
            key=failures[rows[0]].structural_key,
            members=tuple(members),
            centroid=centroid(X[members], None if weights is None else weights[members]),
        )
        for rows in rows_of_key.values()
        for members in _within_key(rows, failures, texts, X, max_fit)
    ]
    return sorted(clusters, key=lambda cluster: cluster.members[0])


def _within_key(
    rows: Sequence[int], failures: Sequence[Failure], texts: Sequence[str], X: npt.NDArray[np.float32], max_fit: int
) -> Iterator[list[int]]:
    rows_of_text: dict[str, list[int]] = {}
    for row in rows:
        rows_of_text.setdefault(texts[row], []).append(row)
    frequent = sorted(rows_of_text, key=lambda text: -len(rows_of_text[text]))
    first_rows = [rows_of_text[text][0] for text in frequent]
    sites = [place_of(failures[row], texts[row]).site for row in first_rows]
    labels = _labels(X[first_rows], sites, threshold_of(failures[rows[0]].detector), max_fit)
    for label in range(int(labels.max()) + 1):
        yield sorted(row for i in np.flatnonzero(labels == label) for row in rows_of_text[frequent[i]])


def _labels(X: npt.NDArray[np.float32], sites: Sequence[str], threshold: float, max_fit: int) -> npt.NDArray[np.intp]:
    """Label rows that are ordered by frequency, `max_fit` at a time."""
    labels = np.full(len(X), UNASSIGNED, dtype=np.intp)
    n_clusters = 0
    while len(rest := np.flatnonzero(labels == UNASSIGNED)):
        batch, others = rest[:max_fit], rest[max_fit:]
        its_sites = [{sites[row]} for row in batch]
        distances = distances_at([sites[row] for row in batch], X[batch], its_sites, X[batch])
        fitted = FailureClusterer(distance_threshold=threshold, metric=PRECOMPUTED).fit(distances).labels_
        labels[batch] = fitted + n_clusters
        n_fitted = int(fitted.max()) + 1
        if len(others):
            parts = [batch[fitted == label] for label in range(n_fitted)]
            centroids = np.stack([centroid(X[part]) for part in parts])
            sites_of = [{sites[row] for row in part} for part in parts]
            found = nearest(distances_at([sites[row] for row in others], X[others], sites_of, centroids), threshold)
            labels[others] = np.where(found == UNASSIGNED, UNASSIGNED, found + n_clusters)
        n_clusters += n_fitted
    return labels
