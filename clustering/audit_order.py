"""Which runs a model is asked about first, as far as the budget goes. No I/O."""

import hashlib
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import NamedTuple


class Candidate(NamedTuple):
    """A run that a model may be asked about."""

    trace_id: str
    #: Whether a detector saw a failure.
    is_flagged: bool
    #: Whether people, or evaluators, rated it: that is what the judge is held against.
    is_rated: bool


def audit_order(candidates: Sequence[Candidate]) -> list[str]:
    """Return the ids of `candidates` in the order in which to ask about them.

    Of each four, two were not flagged, one was rated and one flagged, as long as there are any. Within each kind the
    order is that of a hash: no property of a run makes it likelier to be asked about.
    """
    shuffled = sorted(candidates, key=lambda each: hashlib.sha256(each.trace_id.encode()).digest())
    rated = [each.trace_id for each in shuffled if each.is_rated]
    flagged = [each.trace_id for each in shuffled if each.is_flagged and not each.is_rated]
    quiet = [each.trace_id for each in shuffled if not each.is_flagged and not each.is_rated]
    turns = zip_longest(quiet[::2], rated, quiet[1::2], flagged)
    return [trace_id for trace_id in chain.from_iterable(turns) if trace_id is not None]
