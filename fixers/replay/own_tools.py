"""Find out whether the edits show only when a harness runs its own tools: recorded results hide edits of their code."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.replay.case import Bench, Case, Pair, run_pair


def shows_repair(results: Sequence[CaseResult]) -> bool:
    """Whether any failing run passes after the edits."""
    return any((case.role, case.arm, case.result) == (Role.FAILING, Arm.AFTER, Result.PASSED) for case in results)


def tells_apart(pair: Pair) -> bool:
    """Whether a failing run fails before the edits and passes after them."""
    return (pair.before.result, pair.after.result) == (Result.FAILED, Result.PASSED)


def run_with_own_tools(cases: Sequence[Case], bench: Bench, *, before: Path, after: Path) -> Pair | None:
    """Try the first failing run with the harness's own tools; None when there is none, or it called no tool.

    Only to learn whether all cases are to be tried so: this trial itself is not counted.
    """
    case = next((each for each in cases if each.role is Role.FAILING and each.cassette.input is not None), None)
    if case is None or not case.cassette.tool_calls:
        return None
    return run_pair(case, replace(bench, own_tools=True), before=before, after=after)


def decided_by_recording(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Return the results with failing runs inconclusive: what they come to, the recorded results of tools decide."""
    reason = "what the run comes to is decided by the recorded results of its tools, whatever the edits do"
    return [
        replace(case, result=Result.INCONCLUSIVE, reason=reason) if case.role is Role.FAILING else case
        for case in results
    ]
