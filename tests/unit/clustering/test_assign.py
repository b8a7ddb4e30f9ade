from datetime import UTC, datetime

import numpy as np

from clustering.assign import assign, distances_at, nearest
from clustering.describe import Place
from clustering.failure_mode import FailureMode, Status

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


def mode(name: str, centroid: list[float]) -> FailureMode:
    return FailureMode(
        id=name,
        title=name,
        status=Status.NEW,
        detector="error",
        key="ValueError",
        centroid=np.array(centroid, dtype=np.float32),
        exemplars=(),
        n_traces=1,
        n_sessions=1,
        n_users=1,
        first_seen=WHEN,
        last_seen=WHEN,
    )


MODES = [mode("first", [1, 0]), mode("second", [0, 1]), mode("of another key", [1, 0])]
VALUE, KEY = Place("error:ValueError", ""), Place("error:KeyError", "")
PLACES = {"first": {VALUE}, "second": {VALUE, Place(VALUE.key, "shop.py:pay")}, "of another key": {KEY}}


def assigned(place: Place, vector: list[float]) -> list[int]:
    return assign([place], np.array([vector], dtype=np.float32), MODES, places_of=PLACES, threshold=0.1).tolist()


def test_a_failure_goes_to_the_nearest_mode_of_its_key() -> None:
    assert assigned(VALUE, [0, 1]) == [1]
    assert assigned(KEY, [1, 0]) == [2]


def test_what_is_near_to_none_is_left_over() -> None:
    assert assigned(VALUE, [0.7, 0.7]) == [-1]


def test_another_key_is_never_near() -> None:
    assert assigned(KEY, [0, 1]) == [-1]
    assert assigned(Place("error:TypeError", ""), [1, 0]) == [-1]


def test_an_error_may_be_further_from_those_that_the_same_function_raised() -> None:
    near = [0.5, 0.85]  # 0.15 from the second mode
    assert assigned(VALUE, near) == [-1]
    assert assigned(Place(VALUE.key, "shop.py:pay"), near) == [1]
    assert assigned(Place(VALUE.key, "shop.py:refund"), near) == [-1]


def test_nothing_is_assigned_where_there_is_nothing() -> None:
    one = np.ones((1, 2), dtype=np.float32)
    assert assign([], one[:0], MODES, places_of=PLACES, threshold=1).tolist() == []
    assert assign([VALUE], one, [], places_of={}, threshold=1).tolist() == [-1]
    assert nearest(distances_at([""], one, [], one[:0]), 1).tolist() == [-1]
