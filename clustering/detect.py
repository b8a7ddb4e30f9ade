"""Find what went wrong in one trace: every detector looks, each on its own."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from clustering.detectors.broken_policies import BrokenPolicies, Rule
from clustering.detectors.empty_answers import EmptyAnswers
from clustering.detectors.errors import Errors
from clustering.detectors.limits import Limits
from clustering.detectors.lost_system_prompts import LostSystemPrompts
from clustering.detectors.negative_feedback import NegativeFeedback
from clustering.detectors.repeated_calls import RepeatedCalls
from clustering.detectors.tool_errors import ToolErrors
from clustering.detectors.tool_result_mismatches import ToolResultMismatches
from clustering.failure import Failure
from webhooks.trace import Trace


class Detector(Protocol):
    """Looks for one kind of failure. Never raises on strange data: it sees nothing."""

    @property
    def name(self) -> str:
        """What its failures say in `Failure.detector`."""

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Return the failures that it sees in `trace`, in any order."""


DETECTORS: tuple[Detector, ...] = (
    Errors(),
    ToolErrors(),
    Limits(),
    RepeatedCalls(),
    NegativeFeedback(),
    EmptyAnswers(),
    LostSystemPrompts(),
    ToolResultMismatches(),
)


def detect(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> list[Failure]:
    """Return every failure the detectors see in `trace`, oldest first.

    A limit that was reached explains the error at the same span and the missing answer, which are then left out. Of
    several failures with one identity, such as two bad ratings of one span, the first by key is kept.
    """
    seen = [failure for detector in detectors for failure in detector(trace)]
    by_identity = {failure.identity: failure for failure in sorted(seen, key=lambda failure: failure.key, reverse=True)}
    kept = [failure for failure in by_identity.values() if not _explained_by_limit(failure, seen)]
    return sorted(kept, key=lambda failure: (failure.occurred_at, failure.span_id, failure.detector))


def with_policies(rules: Sequence[Rule]) -> tuple[Detector, ...]:
    """Return the detectors, and the policy detector when there are `rules`."""
    return (*DETECTORS, BrokenPolicies(rules=tuple(rules))) if rules else DETECTORS


def _explained_by_limit(failure: Failure, seen: Sequence[Failure]) -> bool:
    limits = {other.span_id for other in seen if other.detector == "limit"}
    return bool(limits) and (
        failure.detector == "empty_answer" or (failure.detector == "error" and failure.span_id in limits)
    )
