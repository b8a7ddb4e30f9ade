import numpy as np
import pytest

from clustering.describe import REFUSALS, words_of
from clustering.failure import Failure
from clustering.group import group
from tests.unit.clustering.runs import WordEncoder, make_failure

UNKNOWN = "order <id> is unknown to the shop"
REFUNDED = "this was refunded long ago already"


def grouped(encoder: WordEncoder, failures: list[Failure], texts: list[str], **options: int) -> list[tuple[int, ...]]:
    vectors = encoder.encode([words_of(text) for text in texts])
    return [cluster.members for cluster in group(failures, texts, vectors, **options)]


def test_equal_descriptions_are_together_and_others_apart(encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(4)]
    assert grouped(encoder, failures, [UNKNOWN, REFUNDED, UNKNOWN, REFUNDED]) == [(0, 2), (1, 3)]


def test_failures_of_two_keys_are_never_together(encoder: WordEncoder) -> None:
    failures = [make_failure(1), make_failure(2, key="KeyError"), make_failure(3, detector="tool_error")]
    assert grouped(encoder, failures, [UNKNOWN] * 3) == [(0,), (1,), (2,)]


def test_tools_that_say_the_same_fail_for_one_reason(encoder: WordEncoder) -> None:
    failures = [
        make_failure(1, detector="tool_error", key="get_order"),
        make_failure(2, detector="tool_error", key="pay"),
    ]
    assert grouped(encoder, failures, [UNKNOWN] * 2) == [(0, 1)]


def test_errors_of_one_function_may_differ_more_in_their_words(encoder: WordEncoder) -> None:
    one, other = "the answer has no json in its body here", "the answer has no json in his letter there"
    failures = [make_failure(n) for n in range(2)]
    assert grouped(encoder, failures, [f"{one}\nshop.py:read", f"{other}\nshop.py:read"]) == [(0, 1)]
    assert grouped(encoder, failures, [f"{one}\nshop.py:read", f"{other}\nshop.py:write"]) == [(0,), (1,)]
    assert grouped(encoder, failures, [one, other]) == [(0,), (1,)]


def test_words_about_runs_that_did_other_things_are_apart(encoder: WordEncoder) -> None:
    failures = [make_failure(n, detector="negative_feedback", key="user_feedback") for n in range(2)]
    assert grouped(encoder, failures, ["wrong\nmade a change", "wrong\nhanded over to a person"]) == [(0,), (1,)]


def test_refusals_of_two_classes_are_apart(encoder: WordEncoder) -> None:
    failures = [make_failure(n, key="HTTPStatusError") for n in range(2)]
    texts = [f"{sentence}\nprovider.py:post" for sentence in list(REFUSALS)[:2]]
    assert grouped(encoder, failures, texts) == [(0,), (1,)]


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
