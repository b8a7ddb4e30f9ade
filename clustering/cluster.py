"""FailureClusterer: agglomerative clustering of embeddings, average linkage on cosine distance."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics.pairwise import cosine_distances
from sklearn.utils import Tags
from sklearn.utils.validation import validate_data

PRECOMPUTED = "precomputed"


class FailureClusterer(ClusterMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn publishes no types
    """Group embeddings whose average cosine distance stays below a threshold; no noise class.

    Memory and time grow with the square of the number of samples: fit on unique texts.

    Parameters
    ----------
    distance_threshold : float, default=0.3
        Two clusters are not merged when the average distance of their members is this or more.
    metric : {"cosine", "precomputed"}, default="cosine"
        Whether `X` holds embeddings or their distances.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of each sample, numbered by first appearance.
    n_clusters_ : int
        Number of clusters.
    cluster_centers_ : ndarray of shape (n_clusters_, n_features)
        Mean of each cluster's members, scaled to unit length; only where `X` holds embeddings.
    n_features_in_ : int
        Number of features seen during `fit`.

    """

    def __init__(self, *, distance_threshold: float = 0.3, metric: str = "cosine") -> None:
        self.distance_threshold = distance_threshold
        self.metric = metric

    def fit(self, X: npt.ArrayLike, y: None = None) -> Self:  # noqa: ARG002  # scikit-learn's signature
        """Cluster the rows of `X`, shape (n_samples, n_features), or (n_samples, n_samples) where distances are given.

        Raises
        ------
        ValueError
            When `metric` is neither "cosine" nor "precomputed", or distances are given that are not square.

        """
        if self.metric not in {"cosine", PRECOMPUTED}:
            raise ValueError(f"metric is cosine or precomputed, not {self.metric!r}")
        checked: npt.NDArray[Any] = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=1)
        distances = checked if self.metric == PRECOMPUTED else cosine_distances(checked)
        if distances.shape[0] != distances.shape[1]:
            raise ValueError(f"distances are square, not of shape {distances.shape}")
        self.labels_ = self._labels(distances)
        self.n_clusters_ = int(self.labels_.max()) + 1
        if self.metric != PRECOMPUTED:
            self.cluster_centers_ = np.stack([centroid(checked[self.labels_ == k]) for k in range(self.n_clusters_)])
        return self

    def __sklearn_tags__(self) -> Tags:
        """Say that rows of `X` are distances to the other rows where they are."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == PRECOMPUTED
        return tags

    def _labels(self, distances: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        if len(distances) == 1:
            return np.zeros(1, dtype=np.intp)  # AgglomerativeClustering asks for two samples
        linkage = AgglomerativeClustering(
            n_clusters=None, metric=PRECOMPUTED, linkage="average", distance_threshold=self.distance_threshold
        )
        return _by_first_appearance(linkage.fit(distances).labels_)


def centroid(X: npt.NDArray[Any], weights: npt.NDArray[np.float64] | None = None) -> npt.NDArray[np.float32]:
    """Return the weighted mean of the rows of `X`, scaled to unit length; zeros when the rows cancel out."""
    mean = np.average(np.asarray(X, dtype=np.float64), axis=0, weights=weights)
    length = float(np.linalg.norm(mean))
    unit: npt.NDArray[np.float64] = mean / length if length > 0 else mean
    return unit.astype(np.float32)


def _by_first_appearance(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
