from datetime import UTC, datetime

import numpy as np

from clustering.assign import assign, nearest_centroids
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from tests.unit.clustering.runs import make_failure

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


def mode(key: str, centroid: list[float]) -> FailureMode:
    return FailureMode(
        id=key,
        title=key,
        status=Status.NEW,
        detector="error",
        key=key,
        centroid=np.array(centroid, dtype=np.float32),
        exemplars=(),
        n_traces=1,
        n_sessions=1,
        n_users=1,
        first_seen=WHEN,
        last_seen=WHEN,
    )


MODES = [mode("ValueError", [1, 0]), mode("ValueError", [0, 1]), mode("KeyError", [1, 0])]


def assigned(failure: Failure, vector: list[float]) -> list[int]:
    return assign([failure], np.array([vector], dtype=np.float32), MODES, threshold=0.1).tolist()


def test_a_failure_goes_to_the_nearest_mode_of_its_key() -> None:
    assert assigned(make_failure(), [0, 1]) == [1]
    assert assigned(make_failure(key="KeyError"), [1, 0]) == [2]


def test_what_is_near_to_none_is_left_over() -> None:
    assert assigned(make_failure(), [0.7, 0.7]) == [-1]


def test_another_key_is_never_near() -> None:
    assert assigned(make_failure(key="KeyError"), [0, 1]) == [-1]
    assert assigned(make_failure(key="TypeError"), [1, 0]) == [-1]


def test_nothing_is_assigned_where_there_is_nothing() -> None:
    assert assign([], np.empty((0, 2), dtype=np.float32), MODES).tolist() == []
    assert assign([make_failure()], np.ones((1, 2), dtype=np.float32), []).tolist() == [-1]
    assert nearest_centroids(np.ones((1, 2), np.float32), np.empty((0, 2), np.float32), threshold=1).tolist() == [-1]
