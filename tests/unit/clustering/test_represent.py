from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from clustering.embed import Embeddings
from clustering.failure import Failure
from clustering.failure_mode import Status
from clustering.modes import ModeUpdate, extend_modes, update_modes
from clustering.represent import represent, stand_in
from tests.unit.clustering.runs import WordEncoder, make_failure

UNKNOWN = "order <id> is unknown to the shop"
ALIKE = "order <id> is unknown to the shop today"
REFUNDED = "this was refunded long ago already"
EMPTY = ModeUpdate([], {})


def represented(
    encoder: WordEncoder, failures: Sequence[Failure], texts: Sequence[str], earlier: ModeUpdate = EMPTY
) -> Embeddings:
    modes, members = earlier
    present = {failure.identity for failure in failures}
    here = {identity: mode_id for identity, mode_id in members.items() if identity in present}
    return represent(
        failures,
        texts,
        lambda words: encoder.encode(words) if words else np.empty((0, encoder.n_features), np.float32),
        n_features=encoder.n_features,
        previous=modes,
        members=here,
    )


def updated(
    encoder: WordEncoder, failures: Sequence[Failure], texts: Sequence[str], earlier: ModeUpdate = EMPTY
) -> ModeUpdate:
    modes, members = earlier
    vectors = represented(encoder, failures, texts, earlier)
    return update_modes(failures, texts, vectors, previous=modes, members=members)


def extended(
    encoder: WordEncoder, failures: Sequence[Failure], texts: Sequence[str], earlier: ModeUpdate
) -> ModeUpdate | None:
    modes, members = earlier
    vectors = represented(encoder, failures, texts, earlier)
    return extend_modes(failures, texts, vectors, previous=modes, members=members)


def test_failures_that_all_say_the_same_need_no_embedding(encoder: WordEncoder) -> None:
    vectors = represented(encoder, [make_failure(1), make_failure(2)], [UNKNOWN, UNKNOWN.replace("order", "Order")])
    assert encoder.asked == []
    assert np.array_equal(vectors[0], vectors[1])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1.0)


def test_only_the_places_where_failures_say_different_things_are_embedded(encoder: WordEncoder) -> None:
    failures = [make_failure(1), make_failure(2), make_failure(3, key="KeyError")]
    represented(encoder, failures, [UNKNOWN, REFUNDED, "no such field"])
    assert encoder.asked == ["order is unknown to the shop", REFUNDED]


def test_no_failures_need_no_vectors(encoder: WordEncoder) -> None:
    assert represented(encoder, [], []).shape == (0, encoder.n_features)


@pytest.mark.parametrize("words", ["", "x", "a b c a", "\ud800"])
def test_a_stand_in_is_of_unit_length(words: str) -> None:
    assert np.linalg.norm(stand_in(words, 64)) == pytest.approx(1.0)


def test_a_mode_that_was_never_embedded_takes_in_what_is_near(encoder: WordEncoder) -> None:
    first = updated(encoder, [make_failure(1)], [UNKNOWN])
    later = extended(encoder, [make_failure(1), make_failure(2)], [UNKNOWN, ALIKE], first)
    assert later is not None
    assert [(mode.id, mode.n_traces) for mode in later.modes] == [(first.modes[0].id, 2)]
    assert encoder.asked == ["order is unknown to the shop", "order is unknown to the shop today"]


def test_a_mode_that_was_never_embedded_keeps_its_id_beside_what_is_far(encoder: WordEncoder) -> None:
    failures = [make_failure(1), make_failure(2)]
    first = updated(encoder, failures[:1], [UNKNOWN])
    assert extended(encoder, failures, [UNKNOWN, REFUNDED], first) is None
    later = updated(encoder, failures, [UNKNOWN, REFUNDED], first)
    assert [mode.n_traces for mode in later.modes] == [1, 1]
    assert later.members[failures[0].identity] == first.modes[0].id


def test_a_mode_that_was_never_embedded_is_known_again_by_its_words(encoder: WordEncoder) -> None:
    modes, members = updated(encoder, [make_failure(1)], [UNKNOWN])
    resolved = ModeUpdate([replace(modes[0], status=Status.RESOLVED)], members)
    later = updated(encoder, [make_failure(2)], [UNKNOWN], resolved)
    assert [(mode.id, mode.status) for mode in later.modes] == [(modes[0].id, Status.REGRESSED)]
    assert encoder.asked == []


def test_a_mode_that_was_embedded_is_known_again_by_what_it_means(encoder: WordEncoder) -> None:
    first = updated(encoder, [make_failure(1), make_failure(2)], [UNKNOWN, REFUNDED])
    later = updated(encoder, [make_failure(3)], [ALIKE], first)
    assert later.members == {make_failure(3).identity: first.modes[0].id}


def test_other_words_of_a_lone_place_are_another_mode(encoder: WordEncoder) -> None:
    first = updated(encoder, [make_failure(1)], [UNKNOWN])
    later = updated(encoder, [make_failure(2)], [REFUNDED], first)
    assert later.members[make_failure(2).identity] != first.modes[0].id
