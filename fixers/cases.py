"""Choose what a proposal is tried on: failing runs, and at least as many healthy ones that it might break."""

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from webhooks.operation import Operation, operation
from webhooks.semconv import code_location, input_value, tool_name
from webhooks.trace import Trace

# Five conclusive pairs, all fixed, are what an exact one-sided test needs at .05; three more for inconclusive ones.
N_FAILING = 8
MIN_SHARED_PARTS = 2  # of a path: a file's name alone is shared by many files
_WORD = re.compile(r"\w{3,}")
MAX_READ = 4_000  # characters of an input


class Cases(NamedTuple):
    """What `choose_cases` returns."""

    failing: list[Trace]
    guard: list[Trace]


def choose_cases(
    failing: Sequence[Trace],
    healthy: Sequence[Trace],
    *,
    n: int = N_FAILING,
    seen: Collection[str] = (),
    edited: Collection[str] = (),
    at_risk: Collection[str] = (),
    n_more_healthy: int = 0,
) -> Cases:
    """Return up to `n` failing runs and as many healthy ones, those first that the edits are most likely to touch.

    Half of the failing ones are runs that the drafter did not see, where there are so many. Healthy ones come first
    that ran through an edited file or were said to be at risk; then those that use the same tools; then those that
    take the same steps and were asked alike.

    Parameters
    ----------
    failing, healthy
        Traces of one service; the order given decides between equals.
    seen
        Ids of failing traces that the drafter could read.
    edited
        Paths of the files that the edits change.
    at_risk
        Ids of healthy traces that the proposal names.
    n_more_healthy
        How many more healthy runs than failing ones are wanted.

    """
    chosen = _half_unseen(failing, n, seen)
    tools = {tool for trace in chosen for tool in tools_of(trace)}
    steps = {step for trace in chosen for step in steps_of(trace)}
    words = {word for trace in chosen for word in _words(trace)}

    def nearness(trace: Trace) -> tuple[int, int, float]:
        touched = trace.trace_id in at_risk or runs_through(trace, edited)
        alike = _likeness(steps, steps_of(trace)) + _likeness(words, _words(trace))
        return (touched, len(tools & tools_of(trace)), alike)

    nearest = sorted(healthy, key=nearness, reverse=True)
    return Cases(chosen, _varied(nearest, len(chosen) + n_more_healthy))


def tools_of(trace: Trace) -> frozenset[str]:
    """Return the names of the tools that a run called."""
    return frozenset(tool_name(span) or span.name for span in trace.spans if operation(span) is Operation.TOOL)


def steps_of(trace: Trace) -> frozenset[str]:
    """Return what a run did: tools by their names, anything else by its span's."""
    return frozenset(tool_name(span) or span.name for span in trace.spans)


def runs_through(trace: Trace, paths: Collection[str]) -> bool:
    """Whether a span of the run says that it comes from one of the files, wherever the run was installed."""
    located = {found[0] for span in trace.spans if (found := code_location(span))}
    return any(_is_same_file(place, path) for place in located for path in paths)


def _is_same_file(place: str, path: str) -> bool:
    """Compare from the end: production's folders are not the repository's."""
    there, here = PurePosixPath(place.replace("\\", "/")).parts, PurePosixPath(path).parts
    n_shared = min(len(there), len(here), MIN_SHARED_PARTS)
    return n_shared > 0 and there[-n_shared:] == here[-n_shared:]


def _half_unseen(failing: Sequence[Trace], n: int, seen: Collection[str]) -> list[Trace]:
    unseen = [trace for trace in failing if trace.trace_id not in seen]
    known = [trace for trace in failing if trace.trace_id in seen]
    n_unseen = max(n - n // 2, n - len(known)) if seen else 0
    kept = {trace.trace_id for trace in [*unseen[:n_unseen], *known[: n - min(n_unseen, len(unseen))]]}
    return [trace for trace in failing if trace.trace_id in kept] if seen else list(failing[:n])


def _likeness(these: Collection[str], those: Collection[str]) -> float:
    """Return the share of what both have in common, from 0 to 1."""
    both = len(set(these) & set(those))
    return both / (len(set(these) | set(those)) or 1)


def _words(trace: Trace) -> set[str]:
    asked = input_value(trace.root) or ""
    return {word.casefold() for word in _WORD.findall(asked[:MAX_READ])}


def _varied(traces: Sequence[Trace], n: int) -> list[Trace]:
    """Return the first `n`, runs that use another set of tools before more of the same."""
    first_of_kind = {tools_of(trace): trace for trace in reversed(traces)}
    different = [trace for trace in traces if first_of_kind[tools_of(trace)] is trace]
    repeated = [trace for trace in traces if first_of_kind[tools_of(trace)] is not trace]
    return [*different, *repeated][:n]
