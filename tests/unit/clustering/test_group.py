import numpy as np
import pytest

from clustering.failure import Failure
from clustering.group import group
from tests.unit.clustering.runs import WordEncoder, make_failure

UNKNOWN = "order <id> is unknown to the shop"
REFUNDED = "this was refunded long ago already"


def grouped(encoder: WordEncoder, failures: list[Failure], texts: list[str], **options: int) -> list[tuple[int, ...]]:
    vectors = encoder.encode(texts)
    return [cluster.members for cluster in group(failures, texts, vectors, **options)]


def test_equal_descriptions_are_together_and_others_apart(encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(4)]
    assert grouped(encoder, failures, [UNKNOWN, REFUNDED, UNKNOWN, REFUNDED]) == [(0, 2), (1, 3)]


def test_failures_of_two_keys_are_never_together(encoder: WordEncoder) -> None:
    failures = [make_failure(1), make_failure(2, key="KeyError"), make_failure(3, detector="tool_error")]
    assert grouped(encoder, failures, [UNKNOWN] * 3) == [(0,), (1,), (2,)]


def test_a_difference_in_a_word_is_the_same_cause(encoder: WordEncoder) -> None:
    texts = [f"{UNKNOWN} and nobody can say why today", f"{UNKNOWN} and nobody can say why tomorrow"]
    assert grouped(encoder, [make_failure(1), make_failure(2)], texts) == [(0, 1)]


@pytest.mark.parametrize("max_fit", [1, 2, 100])
def test_every_failure_is_in_one_cluster_however_few_are_fitted_at_once(encoder: WordEncoder, max_fit: int) -> None:
    failures = [make_failure(n) for n in range(6)]
    texts = [UNKNOWN, REFUNDED, "nothing alike", UNKNOWN, REFUNDED, UNKNOWN]
    assert grouped(encoder, failures, texts, max_fit=max_fit) == [(0, 3, 5), (1, 4), (2,)]


def test_centroids_are_of_unit_length_and_the_key_is_kept(encoder: WordEncoder) -> None:
    (cluster,) = group([make_failure(1)], [UNKNOWN], encoder.encode([UNKNOWN]))
    assert cluster.key == "error:ValueError"
    assert np.isclose(np.linalg.norm(cluster.centroid), 1)


def test_no_failures_are_no_clusters() -> None:
    assert group([], [], np.empty((0, 4), dtype=np.float32)) == []
