"""Describe a failure so that equal causes read alike: the text that is embedded, and that titles are made of."""

from clustering.conversation import tool_calls
from clustering.deeds import HANDOVER, READS
from clustering.failure import Failure
from clustering.mask import mask
from clustering.site import site
from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.trace import Trace

ERROR_LIKE = frozenset({"error", "exhausted_retries", "tool_error", "trial_and_error"})
#: Detectors whose key says all that a trace can tell of the cause; arguments and words would only split their groups.
STRUCTURAL = frozenset(
    {
        "abandoned",
        "cancelled",
        "contradiction",
        "empty_answer",
        "invalid_output",
        "invalid_tool_arguments",
        "limit",
        "loop",
        "lost_system_prompt",
        "lost_tool_result",
        "needless_handover",
        "no_progress",
        "outlier",
        "policy",
        "provider_error",
        "repeated_call",
        "tool_result_mismatch",
        "truncated_answer",
        "unbacked_claim",
        "ungrounded_argument",
        "unknown_tool",
    }
)
MAX_WORDS = 120  # the encoder reads 256 tokens


def describe(failure: Failure, trace: Trace | None) -> str:
    """Return a masked description of `failure`, which belongs to `trace`; None where that cannot be read any more.

    Errors: the masked message, then the function of the harness that raised it. Failures whose cause is in their key:
    the masked reason. All others, such as negative feedback: the masked words, then what the run did.
    """
    if failure.detector in STRUCTURAL:
        lines = [mask(failure.reason)]
    elif failure.detector in ERROR_LIKE:
        span = trace.span(failure.span_id) if trace else None
        lines = [mask(failure.message), site(span) if span else ""]
    else:
        lines = [mask(failure.message), _deed(trace) if trace else ""]
    return "\n".join(" ".join(line.split()[:MAX_WORDS]) for line in lines).rstrip("\n")


def _deed(trace: Trace) -> str:
    """Say what kind of thing the run did, the fact that tells most silent failures apart.

    Names of tools are left out: they group by subject instead of by failure (benchmarks/grouping.py).
    """
    names = [semconv.tool_name(span) or "" for span in tool_calls(trace) if tool_error(span) is None]
    if any(HANDOVER.search(name) for name in names):
        return "handed over to a person"
    return "made a change" if any(name and not READS.match(name) for name in names) else "only looked things up"
