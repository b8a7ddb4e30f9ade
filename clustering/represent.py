"""Represent failures by vectors: embeddings of their words where there is something to compare them with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from zlib import crc32

import numpy as np

from clustering.describe import place_of, words_of
from clustering.embed import Embeddings
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from clustering.group import threshold_of


def represent(
    failures: Sequence[Failure],
    texts: Sequence[str],
    embedded: Callable[[list[str]], Embeddings],
    *,
    n_features: int,
    previous: Sequence[FailureMode] = (),
    members: Mapping[str, str] | None = None,
) -> Embeddings:
    """Return one vector of unit length per failure, shape (n_failures, n_features).

    Where all failures of a place say the same, they are one group whatever that means: a stand-in will do, until other
    words come.

    Parameters
    ----------
    failures : Sequence[Failure]
        All that are grouped together.
    texts : Sequence[str]
        Their descriptions.
    embedded : Callable[[list[str]], Embeddings]
        Embeds different words; asked once, for what is needed.
    previous, members
        As `clustering.modes.update_modes` has them: a known mode whose failures are all gone is found by its vector.

    """
    words_in = {text: words_of(text) for text in set(texts)}
    words = [words_in[text] for text in texts]
    rows_of_place: dict[str, list[int]] = {}
    for row, (failure, text) in enumerate(zip(failures, texts, strict=True)):
        rows_of_place.setdefault(place_of(failure, text).key, []).append(row)
    left = _without_failures(previous, (members or {}).values())
    X = np.empty((len(failures), n_features), dtype=np.float32)
    compared: list[int] = []
    for rows in rows_of_place.values():
        first = failures[rows[0]]
        X[rows] = vector = stand_in(words[rows[0]], n_features)
        is_alone = len({words[row] for row in rows}) == 1
        if not is_alone or _are_far(left.get(first.structural_key, ()), vector, threshold_of(first.detector)):
            compared += rows
    needed = list(dict.fromkeys(words[row] for row in sorted(compared)))
    vector_of = dict(zip(needed, embedded(needed), strict=True))
    for row in compared:
        X[row] = vector_of[words[row]]
    return X


def stand_in(words: str, n_features: int) -> Embeddings:
    """Return a vector of unit length, shape (n_features,), that words have in common with equal and nearly equal ones.

    It counts words, and says nothing of their meaning: against an embedding it is far from everything.
    """
    counted = np.zeros(n_features, dtype=np.float32)
    for word in words.split() or [""]:
        counted[crc32(word.encode("utf-8", "surrogatepass")) % n_features] += 1.0
    vector: Embeddings = counted / np.linalg.norm(counted)
    return vector


def _without_failures(modes: Sequence[FailureMode], with_failures: Iterable[str]) -> dict[str, list[FailureMode]]:
    """Return the modes that have lost all their failures, by structural key."""
    here = set(with_failures)
    found: dict[str, list[FailureMode]] = {}
    for mode in modes:
        if mode.id not in here:
            found.setdefault(mode.structural_key, []).append(mode)
    return found


def _are_far(modes: Iterable[FailureMode], vector: Embeddings, threshold: float) -> bool:
    """Say whether a mode cannot be recognised by a stand-in."""
    same_shape = (mode.centroid for mode in modes if mode.centroid.shape == vector.shape)
    return any(1.0 - float(centroid @ vector) > threshold for centroid in same_shape)
