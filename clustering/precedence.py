"""Precedence: which failure stands when several detectors tell one story of one run.

One cause should become one failure mode, so a failure falls where another tells the same more exactly (`STANDS_FOR`).
Signs, which show that somebody was let down but not that anything broke, speak only where nothing else does.
"""

from collections.abc import Callable, Sequence

from clustering.failure import Failure
from clustering.span_tree import SpanTree
from webhooks.trace import Trace

#: What a run shows that broke nothing, the most telling first. Only the first kind that was seen is kept.
SIGNS = (
    "contradiction",
    "unbacked_claim",
    "unkept_promise",
    "ungrounded_argument",
    "trial_and_error",
    "needless_handover",
    "truncated_answer",
    "no_progress",
    "negative_feedback",
    "objection",
    "outlier",
)
#: Names of errors that do not say what happened; the class of the provider's refusal does.
UNTELLING = frozenset(
    {"error", "apierror", "apistatuserror", "badrequesterror", "clienterror", "exception", "httperror"}
)
#: Classes of a provider's refusal that another attempt meets again.
PERMANENT = frozenset({"authentication", "content_filter", "context_length"})

Rule = Callable[[Failure, Failure, SpanTree], bool]


def settle(failures: Sequence[Failure], trace: Trace) -> list[Failure]:
    """Return the failures that stand for all of `failures`, which the detectors saw in `trace`."""
    tree = SpanTree(trace)
    falls: dict[str, list[tuple[Failure, Rule]]] = {}
    for other in failures:
        for detector, rule in STANDS_FOR.get(other.detector, {}).items():
            falls.setdefault(detector, []).append((other, rule))
    told = [
        failure
        for failure in failures
        if not any(rule(other, failure, tree) for other, rule in falls.get(failure.detector, ()))
    ]
    broken = [failure for failure in told if failure.detector not in SIGNS]
    return broken or _most_telling(told)


def _most_telling(signs: Sequence[Failure]) -> list[Failure]:
    ranks = [SIGNS.index(failure.detector) for failure in signs]
    return [failure for failure, rank in zip(signs, ranks, strict=True) if rank == min(ranks)]


def _anywhere(_stands: Failure, _falls: Failure, _tree: SpanTree) -> bool:
    return True


def _same_span(stands: Failure, falls: Failure, _tree: SpanTree) -> bool:
    return stands.span_id == falls.span_id


def _at_or_above(stands: Failure, falls: Failure, tree: SpanTree) -> bool:
    if stands.span_id == falls.span_id:
        return True
    span = tree.span(falls.span_id)
    return span is not None and any(above.span_id == stands.span_id for above in tree.ancestors(span))


def _later(stands: Failure, falls: Failure, _tree: SpanTree) -> bool:
    return stands.occurred_at >= falls.occurred_at


def _afterwards(stands: Failure, falls: Failure, _tree: SpanTree) -> bool:
    return falls.occurred_at >= stands.occurred_at


def _same_key(stands: Failure, falls: Failure, _tree: SpanTree) -> bool:
    return stands.key == falls.key


def _same_key_later(stands: Failure, falls: Failure, _tree: SpanTree) -> bool:
    return stands.key == falls.key and falls.occurred_at >= stands.occurred_at


def _says_enough(stands: Failure, falls: Failure, tree: SpanTree) -> bool:
    return not _says_less(falls, stands, tree) and _at_or_above(stands, falls, tree)


def _says_less(stands: Failure, falls: Failure, tree: SpanTree) -> bool:
    """Say whether the error `falls` names nothing, while the class of the refusal says that trying again is no use."""
    name = falls.key.lower()
    return stands.key in PERMANENT and (name in UNTELLING or name.isdigit()) and _at_or_above(falls, stands, tree)


#: What stands -> what falls beside it, and where.
STANDS_FOR: dict[str, dict[str, Rule]] = {
    "limit": {
        "error": _same_span,
        "empty_answer": _anywhere,
        "truncated_answer": _anywhere,
        "invalid_output": _same_span,
        "invalid_tool_arguments": _same_span,
        "cancelled": _at_or_above,
    },
    "error": {
        "provider_error": _says_enough,
        "cancelled": _at_or_above,
        "exhausted_retries": _at_or_above,
        "invalid_output": _later,
        "invalid_tool_arguments": _later,
        "unknown_tool": _later,
        "abandoned": _anywhere,
    },
    "provider_error": {"error": _says_less, "empty_answer": _anywhere, "exhausted_retries": _at_or_above},
    "lost_system_prompt": {"repeated_call": _afterwards, "loop": _afterwards},
    "tool_error": {"exhausted_retries": _same_span},
    "ignored_error": {"tool_error": _same_key},
    "invalid_tool_arguments": {"tool_error": _same_key_later},
    "unknown_tool": {"tool_error": _same_key_later},
    "cancelled": {"empty_answer": _anywhere, "abandoned": _anywhere},
    "tool_result_mismatch": {"lost_tool_result": _anywhere},
    "repeated_call": {"loop": _anywhere},
}
