"""Find what went wrong in one trace: every detector looks, each on its own."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol

from clustering.detectors.broken_policies import BrokenPolicies
from clustering.detectors.cancellations import Cancellations
from clustering.detectors.contradictions import Contradictions
from clustering.detectors.empty_answers import EmptyAnswers
from clustering.detectors.errors import Errors
from clustering.detectors.exhausted_retries import ExhaustedRetries
from clustering.detectors.ignored_errors import IgnoredErrors
from clustering.detectors.invalid_outputs import InvalidOutputs
from clustering.detectors.invalid_tool_arguments import InvalidToolArguments
from clustering.detectors.limits import Limits
from clustering.detectors.loops import Loops
from clustering.detectors.lost_system_prompts import LostSystemPrompts
from clustering.detectors.needless_handovers import NeedlessHandovers
from clustering.detectors.negative_feedback import NegativeFeedback
from clustering.detectors.objections import Objections
from clustering.detectors.provider_errors import ProviderErrors
from clustering.detectors.repeated_calls import RepeatedCalls
from clustering.detectors.repeated_reads import RepeatedReads
from clustering.detectors.tool_errors import ToolErrors
from clustering.detectors.tool_result_mismatches import ToolResultMismatches
from clustering.detectors.trial_and_error import TrialAndError
from clustering.detectors.truncated_answers import TruncatedAnswers
from clustering.detectors.unanswered_calls import UnansweredCalls
from clustering.detectors.unbacked_claims import UnbackedClaims
from clustering.detectors.unfinished_runs import UnfinishedRuns
from clustering.detectors.ungrounded_arguments import UngroundedArguments
from clustering.detectors.unkept_promises import UnkeptPromises
from clustering.detectors.unknown_tools import UnknownTools
from clustering.failure import Failure
from clustering.precedence import settle
from clustering.rule import Rule
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
    # What shows without an error status.
    ProviderErrors(),
    Cancellations(),
    InvalidToolArguments(),
    UnknownTools(),
    InvalidOutputs(),
    Loops(),
    UnansweredCalls(),
    IgnoredErrors(),
    ExhaustedRetries(),
    UnfinishedRuns(),
    # Signs, see `clustering.precedence`.
    Contradictions(),
    UnbackedClaims(),
    UnkeptPromises(),
    UngroundedArguments(),
    TrialAndError(),
    NeedlessHandovers(),
    TruncatedAnswers(),
    RepeatedReads(),
    Objections(),
)
MAX_FAILURES = 20  # of one detector: a run that fails in twenty ways says no more in the next


def detect(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> list[Failure]:
    """Return every failure the detectors see in `trace`, oldest first.

    Which one stands where several tell one story is decided by `clustering.precedence`. Of several failures with one
    identity, such as two bad ratings of one span, the first by key is kept.
    """
    seen = see(trace, detectors)
    kept = settle(seen, trace) if seen else []
    return sorted(kept, key=lambda failure: (failure.occurred_at, failure.span_id, failure.detector))


def see(trace: Trace, detectors: Sequence[Detector] = DETECTORS) -> list[Failure]:
    """Return what each detector sees by itself, in any order: also what another failure would hide."""
    if not trace.spans:
        return []
    seen = [failure for detector in detectors for failure in islice(detector(trace), MAX_FAILURES)]
    by_identity = {failure.identity: failure for failure in sorted(seen, key=lambda failure: failure.key, reverse=True)}
    return list(by_identity.values())


def with_policies(rules: Sequence[Rule]) -> tuple[Detector, ...]:
    """Return the detectors, and the policy detector when there are `rules`."""
    return (*DETECTORS, BrokenPolicies(rules=tuple(rules))) if rules else DETECTORS
