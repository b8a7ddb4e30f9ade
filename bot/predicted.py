"""Predicted: which runs a proposal was to fix or to endanger, beside what became of them when they were replayed."""

from fixers.aftermath import Score, score
from fixers.evidence import Arm, Evidence, Result, Role
from fixers.proposal import Proposal


def score_predictions(proposal: Proposal, evidence: Evidence | None) -> Score:
    """Score the runs that were predicted to be fixed on those that were replayed with the edits."""
    replayed = [
        case for case in (evidence.cases if evidence else ()) if (case.role, case.arm) == (Role.FAILING, Arm.AFTER)
    ]
    judged = {case.trace_id for case in replayed if case.result is not Result.INCONCLUSIVE}
    broken = {case.trace_id for case in replayed if case.result is Result.FAILED}
    return score(proposal.predicted_fixes, judged - broken, judged=judged)


def score_risks(proposal: Proposal, evidence: Evidence | None) -> Score:
    """Score the healthy runs that were said to be at risk on those that were replayed with the edits."""
    replayed = [
        case for case in (evidence.cases if evidence else ()) if (case.role, case.arm) == (Role.GUARD, Arm.AFTER)
    ]
    judged = {case.trace_id for case in replayed if case.result is not Result.INCONCLUSIVE}
    broken = {case.trace_id for case in replayed if case.result is Result.FAILED}
    return score(proposal.at_risk, broken, judged=judged)
