"""Weigh the replayed cases of a proposal: is it a repair, a regression, or too little to tell. Pure arithmetic.

A run that is the same each time is tried once on each arm and taken as it ended. A random one is tried several times,
and then neither a failing run that fails once more nor a healthy one that fails once decides: the exact tests do.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fixers.evidence import Arm, CaseResult, Result, Role, Verdict
from fixers.sequential import TRIALS_PER_ROUND, Look, Rounds, look, regressed
from fixers.statistics import ALPHA, Stratum

MIN_GUARDS = 5  # conclusive healthy runs that are enough, however many failing ones there are


class Trials(NamedTuple):
    """A case with the trials that were conclusive on both arms."""

    role: Role
    #: By round.
    rounds: tuple[Stratum, ...]

    @property
    def n(self) -> int:
        """Trials on each arm."""
        return sum(stratum.n for stratum in self.rounds)

    @property
    def passed_after(self) -> int:
        """Trials that passed after the edits."""
        return sum(stratum.passed_after for stratum in self.rounds)

    @property
    def gain(self) -> int:
        """How many more trials passed after the edits."""
        return sum(stratum.gain for stratum in self.rounds)


def weigh(cases: Sequence[CaseResult], *, n_candidates: int = 1, alpha: float = ALPHA) -> tuple[Verdict, str]:
    """Return the verdict on the replayed cases, and why, in a sentence.

    Parameters
    ----------
    cases
        Each case once for each arm; a random one several times, in the order of the trials.
    n_candidates
        How many proposals for the failure mode are tried.
    alpha
        How often a proposal that does nothing may pass.

    """
    trials = conclusive_trials(cases)
    failing = [case for case in trials.values() if case.role is Role.FAILING]
    guards = [case for case in trials.values() if case.role is Role.GUARD]
    if broken := _broken(trials):
        return Verdict.REGRESSION, f"{broken} of {len(guards)} healthy runs fail after the edits"
    if still := sum(case.n == 1 and not case.passed_after for case in failing):
        return Verdict.NOT_FIXED, f"{still} of {len(failing)} failing runs still fail after the edits"
    if failing and sum(case.gain for case in failing) <= 0:
        return Verdict.NOT_FIXED, f"the {len(failing)} failing runs fail as often after the edits as before them"
    needed = min(MIN_GUARDS, len(failing))
    if len(guards) < needed:
        return Verdict.TOO_NOISY, f"{len(guards)} healthy runs could be compared, {needed} are needed"
    seen = look(_by_round(trials), n_candidates=n_candidates, alpha=alpha)
    if not seen.is_better:
        return Verdict.TOO_NOISY, f"{len(failing)} failing runs could be compared: {_not_enough(seen)}"
    return Verdict.VERIFIED, f"{_verified(failing, guards, seen)}{_held_out(trials, cases)}"


def paired_p(cases: Sequence[CaseResult]) -> float | None:
    """Return the exact one-sided p-value of the cases on the two arms; None when none of them differs."""
    trials = conclusive_trials(cases)
    return look(_by_round(trials)).p_value


def rounds_of(cases: Sequence[CaseResult]) -> Rounds:
    """Return the conclusive trials by case and round, as `fixers.sequential` takes them."""
    return _by_round(conclusive_trials(cases))


def name_of(case: CaseResult) -> str:
    """Return what a case is called among the rounds: a run may be there in two roles."""
    return f"{case.role} {case.trace_id}"


def conclusive_trials(cases: Sequence[CaseResult]) -> dict[str, Trials]:
    """Return each case's trials that were conclusive on both arms; the cases in the order given.

    The first trial of a case on one arm is compared with its first on the other, and so on. Its rounds are counted
    before what was inconclusive is left out, so that a look never counts a trial that came after it.
    """
    arms: dict[str, dict[Arm, list[Result]]] = {}
    roles = {name_of(case): case.role for case in cases}
    for case in cases:
        both = arms.setdefault(name_of(case), {Arm.BEFORE: [], Arm.AFTER: []})
        both[case.arm].append(case.result)
    trials = {name: Trials(roles[name], _strata(both[Arm.BEFORE], both[Arm.AFTER])) for name, both in arms.items()}
    # A single conclusive trial of a random case is no trial of one that is the same each time.
    n_tried = {name: len(both[Arm.BEFORE]) for name, both in arms.items()}
    return {name: case for name, case in trials.items() if case.n > 1 or case.n == n_tried[name] == 1}


def _strata(before: Sequence[Result], after: Sequence[Result]) -> tuple[Stratum, ...]:
    pairs = list(zip(before, after, strict=False))
    return tuple(_stratum(pairs[start : start + TRIALS_PER_ROUND]) for start in range(0, len(pairs), TRIALS_PER_ROUND))


def _stratum(pairs: Sequence[tuple[Result, Result]]) -> Stratum:
    told = [pair for pair in pairs if Result.INCONCLUSIVE not in pair]
    passed_before = sum(before is Result.PASSED for before, _ in told)
    return Stratum(len(told), passed_before, sum(after is Result.PASSED for _, after in told))


def _broken(trials: Mapping[str, Trials]) -> int:
    """Count the healthy runs that the edits broke: at once where nothing is random, beyond noise where it is."""
    guards = {name: case for name, case in trials.items() if case.role is Role.GUARD}
    failed = {name for name, case in guards.items() if case.n == 1 and case.gain < 0}
    return len(failed.union(regressed(_by_round(guards))))


def _by_round(trials: Mapping[str, Trials]) -> Rounds:
    return {name: case.rounds for name, case in trials.items()}


def _not_enough(seen: Look) -> str:
    stated = "none" if seen.p_value is None else f"{seen.p_value:.3g}"
    if seen.p_value is not None and seen.p_value <= seen.enough:
        return f"p = {stated}, but they are too few cases (p = {seen.case_p_value:.3g}, each as one coin toss)"
    return f"p = {stated}, at most {seen.enough:.3g} is needed"


def _held_out(trials: Mapping[str, Trials], cases: Sequence[CaseResult]) -> str:
    """Say how the failing runs fared that the drafter could not read; nothing where it could read them all."""
    unread = {name_of(case) for case in cases if case.held_out}
    kept = [case for name, case in trials.items() if name in unread]
    if not kept:
        return ""
    mended = sum(2 * case.passed_after > case.n for case in kept)
    return f"; of the {len(kept)} that the drafter never saw, {mended} pass"


def _verified(failing: Sequence[Trials], guards: Sequence[Trials], seen: Look) -> str:
    if all(case.n == 1 for case in (*failing, *guards)):
        healthy = sum(case.passed_after for case in guards)
        kept = f"all {healthy}" if healthy == len(guards) else f"{healthy} of {len(guards)}"
        return (
            f"{len(failing)} of {len(failing)} failing runs pass after the edits, and {kept} healthy ones still do "
            f"(p = {seen.p_value:.3g})"
        )
    n, passed = sum(case.n for case in failing), sum(case.passed_after for case in failing)
    before = passed - sum(case.gain for case in failing)
    return (
        f"{passed} of {n} trials of {len(failing)} failing runs pass after the edits, {before} before them, and none "
        f"of {len(guards)} healthy runs got worse beyond its noise (p = {seen.p_value:.3g})"
    )
