"""Marks: what traces themselves say of how their runs went: an outcome, a label, a rating, a score."""

from collections.abc import Sequence
from typing import NamedTuple

from clustering.detectors.negative_feedback import NegativeFeedback
from webhooks import semconv
from webhooks.trace import Trace

#: What somebody who went through runs calls what they found; a score or feedback comes from few, and rarely.
OUTCOMES = frozenset({"outcome", "label", "success", "passed", "reward"})

_RATED = NegativeFeedback()


class Mark(NamedTuple):
    """What a trace says of its run."""

    #: None when it says nothing.
    failed: bool | None
    #: Whether it is one of `OUTCOMES`.
    is_outcome: bool


def mark_of(trace: Trace) -> Mark:
    """Return what a trace says of its run."""
    told = [evaluation for span in trace.spans for evaluation in semconv.evaluations(span)]
    failed = any(True for _ in _RATED(trace))
    return Mark(failed if told else None, any(evaluation.name in OUTCOMES for evaluation in told))


def decide_for_all(marks: Sequence[Mark]) -> bool:
    """Tell whether a run without a mark is a healthy one, because somebody went through all of them.

    So it is where a run has failed by an outcome, or where one has failed by a rating and at least half have one.
    """
    n_marked = sum(mark.failed is not None for mark in marks)
    failed = [mark for mark in marks if mark.failed]
    return any(mark.is_outcome for mark in failed) or (bool(failed) and 2 * n_marked >= len(marks))
