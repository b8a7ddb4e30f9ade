"""Who says which runs of a file failed: outcomes for all of them, a few ratings only for those that were rated."""

import json

import pytest

from bot.marks import Mark, decide_for_all, mark_of
from webhooks.dialects import decode
from webhooks.trace import Trace

BAD, GOOD, PLAIN = (
    Mark(failed=True, is_outcome=False),
    Mark(failed=False, is_outcome=False),
    Mark(failed=None, is_outcome=False),
)
FAILED, PASSED = Mark(failed=True, is_outcome=True), Mark(failed=False, is_outcome=True)


@pytest.mark.parametrize(
    ("said", "mark"),
    [
        ({}, PLAIN),
        ({"outcome": "failed"}, FAILED),
        ({"success": True}, PASSED),
        ({"reward": 0.0}, FAILED),
        ({"feedback": {"name": "thumbs", "score": 0}}, BAD),
        ({"score": 1}, GOOD),
        ({"score": 1, "outcome": "failed"}, FAILED),
    ],
)
def test_a_run_is_marked_by_what_stands_beside_it(said: dict[str, object], mark: Mark) -> None:
    line = {"messages": [{"role": "user", "content": "Hello"}], "id": "1", "time": "2026-03-01T12:00:00Z", **said}
    assert mark_of(Trace.from_spans(decode("messages", json.dumps(line).encode()))) == mark


@pytest.mark.parametrize(
    ("marks", "decide"),
    [
        ([PLAIN, PLAIN], False),
        ([FAILED, PLAIN, PLAIN, PLAIN], True),
        ([PASSED, PLAIN, PLAIN, PLAIN], False),
        ([BAD, PLAIN, PLAIN], False),
        ([BAD, GOOD, PLAIN, PLAIN], True),
        ([GOOD, GOOD], False),
        ([], False),
    ],
)
def test_a_run_without_a_mark_is_healthy_where_somebody_went_through_all(marks: list[Mark], *, decide: bool) -> None:
    assert decide_for_all(marks) is decide
