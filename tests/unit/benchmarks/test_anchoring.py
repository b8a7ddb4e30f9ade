"""The pure parts of the measurement of diagnoses."""

from datetime import UTC, datetime

from benchmarks.anchoring import Found, commonest, rank, summary
from clustering.failure import Failure

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failure(trace_id: str, detector: str, key: str = "k") -> Failure:
    return Failure(trace_id=trace_id, span_id="s", detector=detector, key=key, message="", reason="", occurred_at=NOW)


def test_a_file_counts_once_however_often_it_is_named() -> None:
    assert rank("b.py", ["a.py", "a.py", "b.py"]) == 2
    assert rank("c.py", ["a.py"]) is None


def test_most_runs_decide_and_then_what_is_no_symptom() -> None:
    symptom, cause = failure("t1", "tool_error"), failure("t1", "limit")
    assert commonest([symptom, cause]) == [cause]
    twice = [symptom, failure("t2", "tool_error")]
    assert commonest([*twice, cause]) == twice
    assert commonest([]) == []


def test_the_table_counts_first_and_first_three() -> None:
    found = [Found(case=str(at), rank=at, seconds=at or 0.0) for at in (1, 3, 4, None)]
    result = summary(found)
    assert {name: result[name] for name in ("cases", "first", "first_three", "slowest_s")} == {
        "cases": 4,
        "first": 1,
        "first_three": 2,
        "slowest_s": 4.0,
    }
