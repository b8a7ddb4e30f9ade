"""Find out whether the edits show only when a harness runs its own tools: recorded results hide edits of their code."""

from collections.abc import Sequence
from pathlib import Path

from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.replay.case import Bench, Case, run_pair


def shows_repair(results: Sequence[CaseResult]) -> bool:
    """Whether any failing run passes after the edits."""
    return any((case.role, case.arm, case.result) == (Role.FAILING, Arm.AFTER, Result.PASSED) for case in results)


def tells_apart(cases: Sequence[Case], bench: Bench, *, before: Path, after: Path) -> bool:
    """Whether the first failing run fails before the edits on this bench, and passes after them.

    Only a reason to try all cases on it: this trial itself is not counted.
    """
    case = next((each for each in cases if each.role is Role.FAILING and each.cassette.input is not None), None)
    if case is None or not case.cassette.tool_calls:
        return False
    pair = run_pair(case, bench, before=before, after=after)
    return (pair.before.result, pair.after.result) == (Result.FAILED, Result.PASSED)
