"""Describe a failure so that equal causes read alike: the text that is embedded, and that titles are made of."""

import re
from typing import NamedTuple

from clustering.deed import deed
from clustering.detectors.provider_errors import CLASSES
from clustering.failure import BY_WORDS, Failure
from clustering.mask import PLACEHOLDER, mask
from clustering.site import site
from clustering.span_outcome import error_name
from webhooks import semconv
from webhooks.semconv import Operation
from webhooks.trace import Span, Trace

ERROR_LIKE = frozenset({"error", "exhausted_retries", "tool_error", "trial_and_error"})
#: Detectors whose key says all that a trace can tell of the cause; arguments and words would only split their groups.
STRUCTURAL = frozenset(
    {
        "abandoned",
        "cancelled",
        "contradiction",
        "empty_answer",
        "ignored_error",
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
        "unkept_promise",
        "unknown_tool",
    }
)
#: Detectors that see what no program said: a model's headline, where there is one, tells their failures apart.
SILENT = frozenset(
    {
        "abandoned",
        "contradiction",
        "ignored_error",
        "judge",
        "limit",
        "loop",
        "needless_handover",
        "negative_feedback",
        "no_progress",
        "objection",
        "policy",
        "repeated_call",
        "unbacked_claim",
        "ungrounded_argument",
        "unkept_promise",
    }
)
MAX_WORDS = 120  # the encoder reads 256 tokens
MAX_CHARS = 2_000
#: Words at the head of a message that only say that it is one.
NOISE = re.compile(r"^(?:(?:tool ?error|error|exception)\b[:!\- ]*)+", re.IGNORECASE)
A_WORD = re.compile(r"[^\W\d_]{2}")
#: A name of two words and more in one, before what it says: an exception's, however the error came to be text.
RAISED = re.compile(r"(?:\w{1,80}\.){0,8}(?P<name>[A-Z]\w{0,60}(?:[a-z][A-Z]|[A-Z]{2}[a-z])\w{0,60}): ")
REFUSALS = {sentence: name for name, (_, sentence) in CLASSES.items()}


def describe(failure: Failure, trace: Trace | None, headline: str = "") -> str:
    """Return a masked description of `failure`, which belongs to `trace`; None where that cannot be read any more.

    Two lines, words and structure; only the words are embedded. Errors: the masked message and the function of the
    harness that raised it; the exception's name, too, where it is not in the key; where a model's provider refused,
    the class of the refusal instead of its words. Failures whose cause is in their key: the masked reason, and no
    structure. All others, such as negative feedback: the masked words, and what the run did. A headline of the run
    stands in for the words of what no program said.
    """
    if failure.detector in STRUCTURAL:
        lines = [_own_words(failure)]
    elif failure.detector in ERROR_LIKE:
        span = trace.span(failure.span_id) if trace else None
        lines = _refusal(failure, span) or [_error(failure, span), site(span) if span else ""]
    else:
        lines = [_own_words(failure), deed(trace) if trace else ""]
    if headline and failure.detector in SILENT:
        lines[0] = mask(headline)
    return "\n".join(" ".join(line.split()[:MAX_WORDS]) for line in lines).rstrip("\n")


def has_headline(failure: Failure, text: str) -> bool:
    """Say whether the words of a description are a headline, and not the failure's own."""
    words = text.partition("\n")[0]
    return failure.detector in SILENT and words != " ".join(_own_words(failure).split()[:MAX_WORDS])


def _own_words(failure: Failure) -> str:
    return mask(failure.reason if failure.detector in STRUCTURAL else failure.message)


def words_of(text: str) -> str:
    """Return what of a description is compared by its meaning: what is embedded, without regard to case.

    A placeholder says no more than that something differed there: "order <id> not found" is "order not found".
    """
    said = text.partition("\n")[0]
    telling = NOISE.sub("", " ".join(PLACEHOLDER.sub(" ", said).split()))
    return (telling if A_WORD.search(telling) else said).casefold()


class Place(NamedTuple):
    """Where a failure belongs by its structure, before its words are compared."""

    #: What two failures must share to be grouped at all.
    key: str
    #: The function of the harness that raised the error. Words of one function may differ more; "" where none is known.
    site: str


def place_of(failure: Failure, text: str) -> Place:
    """Return the place of a failure whose description is `text`."""
    words, _, structure = text.partition("\n")
    if failure.detector not in ERROR_LIKE:
        return Place(f"{failure.structural_key}\n{structure}", "")
    told = words if words in REFUSALS else _raised(words) if failure.detector in BY_WORDS else ""
    return Place(f"{failure.structural_key}\n{told}", structure)


def _raised(words: str) -> str:
    """Return the name of the exception that a description begins with, or ""."""
    found = RAISED.match(NOISE.sub("", words))
    return found["name"] if found else ""


def _error(failure: Failure, span: Span | None) -> str:
    said = mask(failure.message)
    named = error_name(span) if span and failure.detector in BY_WORDS else ""
    is_told = not named or re.search(rf"(?<!\w){re.escape(named)}(?!\w)", said, re.IGNORECASE)
    return said if is_told else f"{named}: {said}"


def _refusal(failure: Failure, span: Span | None) -> list[str] | None:
    """Describe the refusal of a model's provider that is of a known class, however a client library puts it."""
    if span is None or semconv.operation(span) is not Operation.LLM:
        return None
    said = f"{error_name(span)} {failure.message}"[:MAX_CHARS]
    found = next((sentence for pattern, sentence in CLASSES.values() if pattern.search(said)), None)
    return [found, site(span)] if found else None
