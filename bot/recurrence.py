"""What is different about a failure that came back after its fix was proved. Values in, values out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from clustering.failure import Failure
from clustering.mask import mask
from fixers.cases import tools_of
from fixers.statistics import wilson_interval
from webhooks.trace import Trace

#: Values that are told of each kind.
MOST = 3


class Difference(NamedTuple):
    """One thing that is more, or less, frequent among the failures since."""

    #: "release", "tool", "message" or "user"; our own word.
    what: str
    #: Hostile text.
    value: str
    n_before: int
    before: int
    n_since: int
    since: int


def differences(before: Sequence[Failure], since: Sequence[Failure], traces: Mapping[str, Trace]) -> list[Difference]:
    """Return what differs beyond chance (95 % intervals of the shares do not meet), the clearest first of each kind.

    Parameters
    ----------
    before, since
        Failures before the fix, and after it was proved; one counts for each run.
    traces
        Of those that are kept, by trace id: the tools that a run called are read there.

    """
    was, now = (_runs(failures) for failures in (before, since))
    found: list[Difference] = []
    for what in ("release", "tool", "message"):
        of_was, of_now = ([_values(what, each, traces) for each in runs] for runs in (was, now))
        found += _compared(what, [v for v in of_was if v is not None], [v for v in of_now if v is not None])
    return [*found, *_users(was, now)]


def _runs(failures: Sequence[Failure]) -> list[Failure]:
    return list({failure.trace_id: failure for failure in failures}.values())


def _values(what: str, failure: Failure, traces: Mapping[str, Trace]) -> frozenset[str] | None:
    """Return what a run shows of a kind; None when nobody can know."""
    if what == "release":
        return frozenset({failure.release}) if failure.release else None
    if what == "message":
        return frozenset({mask(failure.message)}) if failure.message else None
    trace = traces.get(failure.trace_id)
    return None if trace is None else tools_of(trace)


def _compared(what: str, was: Sequence[frozenset[str]], now: Sequence[frozenset[str]]) -> list[Difference]:
    counts = [Counter(value for values in side for value in values) for side in (was, now)]
    if not was or not now:
        return []
    all_ = [
        Difference(what, value, counts[0][value], len(was), counts[1][value], len(now))
        for value in sorted(counts[0].keys() | counts[1].keys())
    ]
    clear = [each for each in all_ if _apart(each)]
    return sorted(clear, key=lambda each: -abs(each.n_before / each.before - each.n_since / each.since))[:MOST]


def _apart(each: Difference) -> bool:
    was = wilson_interval(each.n_before, each.before)
    now = wilson_interval(each.n_since, each.since)
    return was.high < now.low or now.high < was.low


def _users(was: Sequence[Failure], now: Sequence[Failure]) -> list[Difference]:
    """Tell how many of the users who are hurt now were hurt before; who they are is nobody's business."""
    before, since = ({each.user_id for each in side if each.user_id} for side in (was, now))
    if not before or not since or before & since:
        return []
    return [Difference("user", "", 0, len(before), len(since), len(since))]
