"""Whether a trace itself says that its run failed: by an outcome, a label, a rating or a score."""

from clustering.detectors.negative_feedback import NegativeFeedback
from webhooks import semconv
from webhooks.trace import Trace

_RATED = NegativeFeedback()


def failed_by_mark(trace: Trace) -> bool | None:
    """Return True for a run that was marked as failed, False for one marked as good, None for one without a mark."""
    if any(True for _ in _RATED(trace)):
        return True
    return False if any(semconv.evaluations(span) for span in trace.spans) else None
