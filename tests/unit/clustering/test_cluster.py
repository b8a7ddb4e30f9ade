from collections.abc import Callable

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from clustering.cluster import FailureClusterer, centroid


def unfit(estimator: FailureClusterer) -> dict[str, str]:
    if estimator.metric == "cosine":
        return {}
    return {"check_clustering": "it clusters points in a plane, which are no distances"}


@parametrize_with_checks([FailureClusterer(), FailureClusterer(metric="precomputed")], expected_failed_checks=unfit)
def test_it_is_a_scikit_learn_estimator(estimator: FailureClusterer, check: Callable[[FailureClusterer], None]) -> None:
    check(estimator)


def test_near_directions_are_one_cluster_whatever_their_length() -> None:
    vectors = np.array([[1.0, 0.0], [5.0, 0.1], [0.0, 1.0], [0.1, 2.0]])
    fitted = FailureClusterer(distance_threshold=0.2).fit(vectors)
    assert fitted.labels_.tolist() == [0, 0, 1, 1]
    assert fitted.n_clusters_ == 2


def test_the_threshold_decides_what_is_one_cluster() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert FailureClusterer(distance_threshold=0.2).fit(vectors).n_clusters_ == 2
    assert FailureClusterer(distance_threshold=0.4).fit(vectors).n_clusters_ == 1


def test_distances_may_be_given() -> None:
    distances = [[0.0, 0.1, 0.9], [0.1, 0.0, 0.8], [0.9, 0.8, 0.0]]
    assert FailureClusterer(metric="precomputed").fit(distances).labels_.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match=r"square, not of shape \(1, 2\)"):
        FailureClusterer(metric="precomputed").fit([[0.0, 1.0]])
    with pytest.raises(ValueError, match="'euclidean'"):
        FailureClusterer(metric="euclidean").fit(distances)


def test_one_sample_is_one_cluster() -> None:
    assert FailureClusterer().fit([[1.0, 0.0]]).labels_.tolist() == [0]


def test_clusters_are_numbered_by_first_appearance() -> None:
    vectors = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    assert FailureClusterer().fit(vectors).labels_.tolist() == [0, 1, 0, 2]


def test_centres_are_of_unit_length() -> None:
    centres = FailureClusterer().fit([[2.0, 0.0], [2.0, 0.1], [0.0, 3.0]]).cluster_centers_
    assert np.allclose(np.linalg.norm(centres, axis=1), 1)
    assert centroid(np.array([[1.0, 0.0], [-1.0, 0.0]])).tolist() == [0.0, 0.0]
