"""Predicted: what a proposal was to fix or to endanger, beside what became of it; and the rate after a merge."""

from collections import defaultdict
from datetime import timedelta

from bot.store.store import Store
from clustering.failure_mode import FailureMode
from fixers.aftermath import Exposure, Score, score
from fixers.evidence import Arm, Evidence, Result, Role
from fixers.expected import Expected, expect
from fixers.proposal import Proposal

#: Whose runs tell the rate: as long as what a merged fix is compared with.
WINDOW = timedelta(days=14)


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


def expected_rate(store: Store, tenant: str, mode: FailureMode, *, service: str, evidence: Evidence) -> Expected | None:
    """Foretell how often a failure mode shows after the merge, from the 14 days up to when it was seen last.

    Counted as the proof after the merge counts: runs of the same service and kind.
    """
    runs = store.runs(
        tenant, service=service, failure_mode_id=mode.id, since=mode.last_seen - WINDOW, boundary=mode.last_seen
    )
    before = sum((each.exposure for each in runs), Exposure())
    n_replayed, n_unmended = _unmended(evidence)
    return expect(before, n_replayed=n_replayed, n_unmended=n_unmended)


def _unmended(evidence: Evidence) -> tuple[int, int]:
    """Return how many failing runs were judged with the edits, and how many of them fail, a random one in part."""
    failed: defaultdict[str, list[bool]] = defaultdict(list)
    for case in evidence.cases:
        if (case.role, case.arm) == (Role.FAILING, Arm.AFTER) and case.result is not Result.INCONCLUSIVE:
            failed[case.trace_id].append(case.result is Result.FAILED)
    return len(failed), round(sum(sum(trials) / len(trials) for trials in failed.values()))
