"""Give a failure mode a title that an engineer would write, without a model."""

import re
from collections.abc import Callable

from clustering.describe import NOISE, REFUSALS, has_headline
from clustering.detectors.negative_feedback import says_only_no
from clustering.failure import Failure
from clustering.mask import PLACEHOLDER

MAX_TITLE = 110
LIMITS = {
    "length": "The model's answer is cut off at the limit of output tokens",
    "steps": "The run ends at its step limit without an answer",
    "time": "The run ends at its time limit without an answer",
    "cost": "The run ends at its cost limit without an answer",
}
LEFT_OPEN = re.compile(r"(?:[\s:,;(\-]|\.\.\.|…)+$")
#: Words that say nothing without what was taken out after them.
BEFORE_A_VALUE = re.compile(r"(?:\s(?:a|an|and|as|at|by|for|from|in|of|on|or|than|the|to|with)){1,4}$", re.IGNORECASE)


def title(failure: Failure, text: str) -> str:
    """Return one line for the mode of `failure`, its most typical member, whose masked description is `text`."""
    said, _, after = PLACEHOLDER.sub("…", text).partition("\n")
    if has_headline(failure, text):
        return _shortened(said.rstrip(". "))
    write = TITLES.get(failure.detector, _unknown)
    return _shortened(write(failure, NOISE.sub("", said).strip(), after))


def _error(failure: Failure, said: str, _after: str) -> str:
    if (refusal := REFUSALS.get(said)) and refusal.replace("_", "") in failure.key.lower():
        return _sentence(failure)  # a rate limit error, because of a rate limit
    return _with_words(_sentence(failure), said[:1].lower() + said[1:] if refusal else said, other_than=failure.key)


def _tool_error(failure: Failure, said: str, _after: str) -> str:
    return _with_words(f"{failure.key} fails", said, other_than=failure.key)


def _limit(failure: Failure, _said: str, _after: str) -> str:
    return LIMITS.get(failure.key, _sentence(failure))


def _repeated_call(failure: Failure, _said: str, _after: str) -> str:
    return f"{failure.key} is called again and again with the same arguments"


def _negative_feedback(failure: Failure, said: str, deed: str) -> str:
    subject = f"Negative {failure.key.replace('_', ' ')}"
    if said and not says_only_no(said):
        return _with_words(subject, said)
    return f"{subject} on runs that {deed}" if deed else subject


def _judge(failure: Failure, said: str, _after: str) -> str:
    return _with_words(f"Judged {failure.key.replace('_', ' ')}", said)


def _policy(failure: Failure, _said: str, _after: str) -> str:
    return f"Rule {failure.key} is broken: {_sentence(failure)}"


def _told(failure: Failure, _said: str, _after: str) -> str:
    return _sentence(failure)


def _unknown(failure: Failure, said: str, _after: str) -> str:
    return _with_words(f"{failure.detector.replace('_', ' ')} {failure.key}".strip(), said, other_than=failure.key)


TITLES: dict[str, Callable[[Failure, str, str], str]] = {
    "error": _error,
    "tool_error": _tool_error,
    "limit": _limit,
    "repeated_call": _repeated_call,
    "negative_feedback": _negative_feedback,
    "judge": _judge,
    "policy": _policy,
    "empty_answer": _told,
    "lost_system_prompt": _told,
    "tool_result_mismatch": _told,
    "abandoned": _told,
    "cancelled": _told,
    "contradiction": _told,
    "ignored_error": _told,
    "invalid_output": _told,
    "invalid_tool_arguments": _told,
    "loop": _told,
    "lost_tool_result": _told,
    "needless_handover": _told,
    "no_progress": _told,
    "objection": _told,
    "outlier": _told,
    "provider_error": _told,
    "truncated_answer": _told,
    "unbacked_claim": _told,
    "ungrounded_argument": _told,
    "unkept_promise": _told,
    "unknown_tool": _told,
}


def _sentence(failure: Failure) -> str:
    return failure.reason.rstrip(". ")


def _with_words(subject: str, said: str, *, other_than: str = "") -> str:
    told = said.rstrip(". ")
    words = LEFT_OPEN.sub("", told)
    if told.endswith("…"):
        words = LEFT_OPEN.sub("", BEFORE_A_VALUE.sub("", words))
    return f"{subject}: {words}" if words and words != other_than else subject


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    if len(one_line) <= MAX_TITLE:
        return one_line
    return f"{one_line[:MAX_TITLE].rsplit(' ', 1)[0].rstrip(',;:.')} …"
