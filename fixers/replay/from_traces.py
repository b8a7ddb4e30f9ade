"""Make the cases of a trial from kept traces."""

from collections.abc import Collection, Mapping, Sequence

from clustering.detect import Detector, see
from clustering.failure import Failure
from clustering.rule import Rule
from fixers.evidence import Role
from fixers.replay.case import Case
from fixers.replay.judge import signatures
from fixers.replay.record import record
from webhooks.trace import Trace


def cases_of(
    failing: Sequence[Trace],
    guard: Sequence[Trace],
    *,
    failures: Mapping[str, Sequence[Failure]],
    detectors: Sequence[Detector],
    policies: Sequence[Rule] = (),
    seen: Collection[str] = (),
) -> list[Case]:
    """Return the failing cases, no more than there are healthy ones, and then these.

    Parameters
    ----------
    failures
        By trace_id: what must not show again.
    detectors
        What judges the replayed runs.
    policies
        The agent's own rules.
    seen
        The traces that the drafter could read; empty when nobody knows.

    """
    guards = unique(guard)
    failed = unique(failing)[: len(guards)]
    cases = []
    for trace in failed:
        targets = frozenset(failure.signature for failure in failures.get(trace.trace_id, ()))
        case = Case(
            cassette=record(trace),
            role=Role.FAILING,
            targets=targets,
            known=_known(trace, targets, detectors, policies),
            held_out=bool(seen) and trace.trace_id not in seen,
        )
        cases.append(case)
    return [*cases, *(Case(cassette=record(trace), role=Role.GUARD) for trace in guards)]


def unique(traces: Sequence[Trace]) -> list[Trace]:
    """Return each trace once, in the order given."""
    return list({trace.trace_id: trace for trace in traces}.values())


def _known(
    trace: Trace, targets: frozenset[tuple[str, str]], detectors: Sequence[Detector], policies: Sequence[Rule]
) -> frozenset[tuple[str, str]]:
    """Return what is not held against the edits.

    What a worse failure hid in the recorded run may show once that one is mended; and where a rule is kept now, the
    tool that it asks for may well refuse.
    """
    kept = [rule for rule in policies if rule.requires and ("policy", rule.name) in targets]
    refusals = {("tool_error", rule.requires) for rule in kept}
    return (signatures(trace.spans, detectors, see) | refusals) - targets
