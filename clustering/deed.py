"""Deed: what kind of thing a run did, the fact that tells most silent failures apart."""

import json

from clustering.conversation import tool_calls
from clustering.deeds import HANDOVER, READS
from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.trace import Span, Trace

HANDED_OVER = "handed over to a person"
COMPOSED = "made a change that it put together itself"
CHANGED = "made a change"
LOOKED_UP = "only looked things up"
MAX_JSON = 20_000


def deed(trace: Trace) -> str:
    """Return the first of these that is so: handed over, made a change, only looked things up.

    Names of tools are left out: they group by subject instead of by failure (benchmarks/grouping.py). A change is one
    that the model put together when an argument of the call is a list or an object, and not only the name of a thing.
    """
    done = [span for span in tool_calls(trace) if tool_error(span) is None]
    if any(HANDOVER.search(semconv.tool_name(span) or "") for span in done):
        return HANDED_OVER
    changes = [span for span in done if (name := semconv.tool_name(span)) and not READS.match(name)]
    if changes:
        return COMPOSED if any(_is_composed(span) for span in changes) else CHANGED
    return LOOKED_UP


def _is_composed(span: Span) -> bool:
    arguments = semconv.tool_arguments(span) or ""
    if len(arguments) > MAX_JSON:
        return True
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and any(isinstance(value, list | dict) for value in found.values())
