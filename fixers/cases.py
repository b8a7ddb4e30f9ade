"""Choose what a proposal is tried on: failing runs, and at least as many healthy ones that it might break."""

from collections.abc import Sequence
from typing import NamedTuple

from webhooks.operation import Operation, operation
from webhooks.semconv import tool_name
from webhooks.trace import Trace

# Five conclusive pairs, all fixed, are what an exact one-sided test needs at .05; three more for inconclusive ones.
N_FAILING = 8


class Cases(NamedTuple):
    """What `choose_cases` returns."""

    failing: list[Trace]
    guard: list[Trace]


def choose_cases(failing: Sequence[Trace], healthy: Sequence[Trace], *, n: int = N_FAILING) -> Cases:
    """Return up to `n` failing runs and as many healthy ones, those first that use the tools the failing ones use.

    Parameters
    ----------
    failing, healthy
        Traces of one service; the order given decides between equals.

    """
    chosen = list(failing[:n])
    tools = {tool for trace in chosen for tool in tools_of(trace)}
    nearest = sorted(healthy, key=lambda trace: -len(tools & tools_of(trace)))
    return Cases(chosen, _varied(nearest, len(chosen)))


def tools_of(trace: Trace) -> frozenset[str]:
    """Return the names of the tools that a run called."""
    return frozenset(tool_name(span) or span.name for span in trace.spans if operation(span) is Operation.TOOL)


def _varied(traces: Sequence[Trace], n: int) -> list[Trace]:
    """Return the first `n`, runs that use another set of tools before more of the same."""
    first_of_kind = {tools_of(trace): trace for trace in reversed(traces)}
    different = [trace for trace in traces if first_of_kind[tools_of(trace)] is trace]
    repeated = [trace for trace in traces if first_of_kind[tools_of(trace)] is not trace]
    return [*different, *repeated][:n]
