"""Weigh the replayed cases of a proposal: is it a repair, a regression, or too little to tell. Pure arithmetic."""

from collections.abc import Sequence
from typing import NamedTuple

from fixers.evidence import Arm, CaseResult, Result, Role, Verdict
from fixers.statistics import ALPHA, bonferroni_alpha, paired_p_value

MIN_GUARDS = 5  # conclusive healthy runs that are enough, however many failing ones there are


class Pair(NamedTuple):
    """A case that was conclusive on both arms."""

    trace_id: str
    role: Role
    before: Result
    after: Result


def weigh(cases: Sequence[CaseResult], *, n_candidates: int = 1, alpha: float = ALPHA) -> tuple[Verdict, str]:
    """Return the verdict on the replayed cases, and why, in a sentence.

    Parameters
    ----------
    cases
        Each case once for each arm.
    n_candidates
        How many proposals for the failure mode are tried.
    alpha
        How often a proposal that does nothing may pass.

    """
    pairs = conclusive_pairs(cases)
    failing = [pair for pair in pairs if pair.role is Role.FAILING]
    guards = [pair for pair in pairs if pair.role is Role.GUARD]
    broken = [pair for pair in guards if pair.after is Result.FAILED]
    if broken:
        return Verdict.REGRESSION, f"{len(broken)} of {len(guards)} healthy runs fail after the edits"
    still = [pair for pair in failing if pair.after is Result.FAILED]
    if still:
        return Verdict.NOT_FIXED, f"{len(still)} of {len(failing)} failing runs still fail after the edits"
    needed = min(MIN_GUARDS, len(failing))
    if len(guards) < needed:
        return Verdict.TOO_NOISY, f"{len(guards)} healthy runs could be compared, {needed} are needed"
    p_value, enough = paired_p(cases), bonferroni_alpha(n_candidates, alpha=alpha)
    if p_value is None or p_value > enough:
        stated = "none" if p_value is None else f"{p_value:.3g}"
        return Verdict.TOO_NOISY, (
            f"{len(failing)} failing runs could be compared: p = {stated}, at most {enough:.3g} is needed"
        )
    return Verdict.VERIFIED, (
        f"{len(failing)} of {len(failing)} failing runs pass after the edits, and all {len(guards)} healthy ones still "
        f"do (p = {p_value:.3g})"
    )


def paired_p(cases: Sequence[CaseResult]) -> float | None:
    """Return the exact one-sided p-value of the cases that ended differently on the two arms; None without any."""
    pairs = conclusive_pairs(cases)
    improved = sum(pair.before is Result.FAILED and pair.after is Result.PASSED for pair in pairs)
    worsened = sum(pair.before is Result.PASSED and pair.after is Result.FAILED for pair in pairs)
    return paired_p_value(improved, worsened)


def conclusive_pairs(cases: Sequence[CaseResult]) -> list[Pair]:
    """Return the cases that were conclusive on both arms, in the order given."""
    after = {(case.trace_id, case.role): case.result for case in cases if case.arm is Arm.AFTER}
    pairs = (
        Pair(case.trace_id, case.role, case.result, after.get((case.trace_id, case.role), Result.INCONCLUSIVE))
        for case in cases
        if case.arm is Arm.BEFORE
    )
    return [pair for pair in pairs if Result.INCONCLUSIVE not in (pair.before, pair.after)]
