import sys
from pathlib import Path

import numpy as np
import pytest

from clustering.embed import MiniLM, cache_key, embed, verify_weights
from clustering.errors import ClusteringError, WeightsUnusable
from tests.unit.clustering.runs import WordEncoder


def test_each_different_text_is_encoded_once(encoder: WordEncoder) -> None:
    vectors = embed(["a b", "c", "a b"], encoder, {})
    assert encoder.asked == ["a b", "c"]
    assert vectors.shape == (3, 64)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors[0], vectors[2])


def test_what_the_cache_holds_is_not_encoded_again(encoder: WordEncoder) -> None:
    cache = {}
    first = embed(["a", "b"], encoder, cache)
    again = embed(["b", "a", "c"], encoder, cache)
    assert encoder.asked == ["a", "b", "c"]
    assert np.array_equal(first[0], again[1])


def test_the_cache_key_names_the_model(encoder: WordEncoder) -> None:
    assert cache_key("a", encoder).startswith("words:")
    assert cache_key("a", encoder) != cache_key("b", encoder)
    assert cache_key("\ud800", encoder)


def test_no_texts_are_no_rows(encoder: WordEncoder) -> None:
    assert embed([], encoder, {}).shape == (0, 64)


def test_altered_weights_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(WeightsUnusable, match=r"have SHA-256 [0-9a-f]{64}, expected 53aa5117"):
        MiniLM(folder=tmp_path).encode(["a text"])


def test_the_installed_weights_are_the_tested_ones() -> None:
    assert (verify_weights() / "model.safetensors").is_file()


def test_missing_weights_are_a_clustering_error(tmp_path: Path) -> None:
    with pytest.raises(ClusteringError, match="cannot read the weights"):
        MiniLM(folder=tmp_path).encode(["a text"])


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM(threads=1)


def test_minilm_puts_equal_causes_near_and_other_causes_far(minilm: MiniLM) -> None:
    vectors = embed(["order <id> not found", "no such order: <id>", "rate limit reached"], minilm, {})
    assert vectors.shape == (3, minilm.n_features)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.7
    assert vectors[0] @ vectors[2] < 0.3


def test_minilm_is_silent_and_bounds_its_threads(minilm: MiniLM, capfd: pytest.CaptureFixture[str]) -> None:
    minilm.encode(["a"] * 3)
    assert capfd.readouterr() == ("", "")
    assert sys.modules["torch"].get_num_threads() == 1
