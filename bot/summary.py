"""The before/after table of the evidence as plain rows, for terminals and JSON."""

from collections.abc import Sequence

from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun


def arms(evidence: Evidence) -> list[dict[str, str]]:
    """Return one row for each kind of trial: what, before, after."""
    rows = [
        {"what": "failing runs that pass when replayed", **_replayed(evidence.cases, Role.FAILING)},
        {"what": "healthy runs that pass when replayed", **_replayed(evidence.cases, Role.GUARD)},
        {"what": "the repository's tests", **_tests(evidence.suite)},
        {"what": "the new regression test", **_tests(evidence.regression)},
    ]
    return [row for row in rows if row["before"] or row["after"]]


def _replayed(cases: Sequence[CaseResult], role: Role) -> dict[str, str]:
    return {arm.value: _count([case.result for case in cases if (case.role, case.arm) == (role, arm)]) for arm in Arm}


def _count(results: Sequence[Result]) -> str:
    if not results:
        return ""
    passed, unsure = results.count(Result.PASSED), results.count(Result.INCONCLUSIVE)
    return f"{passed} of {len(results) - unsure}" + (f" ({unsure} inconclusive)" if unsure else "")


def _tests(runs: Sequence[TestRun]) -> dict[str, str]:
    found = {run.arm: "pass" if run.exit_status == 0 else "fail" for run in runs}
    return {arm.value: found.get(arm, "") for arm in Arm}
