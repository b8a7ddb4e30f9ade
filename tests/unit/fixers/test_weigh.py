from dataclasses import replace

import pytest

from fixers.evidence import Arm, CaseResult, Result, Role, Verdict
from fixers.weigh import conclusive_trials, paired_p, weigh

RESULTS = {"P": Result.PASSED, "F": Result.FAILED, "?": Result.INCONCLUSIVE}


def tried(name: str, role: Role, before: str, after: str) -> list[CaseResult]:
    """Return a case's trials on both arms, a letter each, such as "FFF" and "PPF"."""
    arms = ((Arm.BEFORE, before), (Arm.AFTER, after))
    return [CaseResult(trace_id=name, role=role, arm=arm, result=RESULTS[one]) for arm, all_ in arms for one in all_]


def many(n: int, role: Role, before: str, after: str) -> list[CaseResult]:
    return [case for number in range(n) for case in tried(f"{number}", role, before, after)]


HEALTHY = many(5, Role.GUARD, "PPP", "PPP")


def test_random_repairs_are_verified_with_their_counts() -> None:
    verdict, reason = weigh(many(8, Role.FAILING, "FFF", "PPF") + HEALTHY)
    assert (verdict, reason.split(", and")[0]) == (
        Verdict.VERIFIED,
        "16 of 24 trials of 8 failing runs pass after the edits, 0 before them",
    )


def test_a_single_flake_of_a_random_healthy_run_is_no_regression() -> None:
    flaky = tried("flaky", Role.GUARD, "PPPPPPPPP", "PPFPPPPPP")
    assert weigh(many(8, Role.FAILING, "FFF", "PPP") + HEALTHY + flaky)[0] is Verdict.VERIFIED


def test_a_random_healthy_run_that_turned_is_a_regression() -> None:
    broken = tried("broken", Role.GUARD, "PPPPPPPPP", "FFFFFFFFF")
    verdict, reason = weigh(many(8, Role.FAILING, "FFF", "PPP") + HEALTHY + broken)
    assert (verdict, reason) == (Verdict.REGRESSION, "1 of 6 healthy runs fail after the edits")


def test_failing_runs_that_pass_as_rarely_as_before_are_not_fixed() -> None:
    assert weigh(many(8, Role.FAILING, "FPF", "PFF") + HEALTHY)[0] is Verdict.NOT_FIXED


def test_a_gain_within_the_noise_is_too_noisy() -> None:
    verdict, reason = weigh(many(3, Role.FAILING, "FFP", "FPP") + HEALTHY)
    assert (verdict, "is needed" in reason) == (Verdict.TOO_NOISY, True)


def test_a_few_cases_repeated_often_are_too_few() -> None:
    verdict, reason = weigh(many(3, Role.FAILING, "FFFFFF", "PPPPPP") + HEALTHY)
    assert (verdict, "too few cases" in reason) == (Verdict.TOO_NOISY, True)


def test_inconclusive_trials_are_left_out_with_their_counterparts() -> None:
    (case,) = conclusive_trials(tried("a", Role.FAILING, "FF?PFF", "PP?P?P")).values()
    assert [tuple(stratum) for stratum in case.rounds] == [(2, 0, 2), (2, 1, 2)]
    assert conclusive_trials(tried("a", Role.FAILING, "F?F", "?P?")) == {}


def test_one_conclusive_trial_of_a_random_case_is_not_enough() -> None:
    assert conclusive_trials(tried("a", Role.GUARD, "P??", "FPP")) == {}
    assert len(conclusive_trials(tried("a", Role.GUARD, "P", "F"))) == 1


def test_runs_that_are_the_same_each_time_need_five_repairs() -> None:
    assert paired_p(many(5, Role.FAILING, "F", "P")) == pytest.approx(0.03125)
    assert paired_p(HEALTHY) is None


def test_a_healthy_run_that_fails_on_both_arms_is_not_held_against_the_edits() -> None:
    cases = many(8, Role.FAILING, "F", "P") + many(5, Role.GUARD, "P", "P")
    unlucky = tried("unlucky", Role.GUARD, "F", "F")
    verdict, reason = weigh(cases + unlucky)
    assert (verdict, "5 of 6 healthy" in reason) == (Verdict.VERIFIED, True), reason
    assert weigh(cases + tried("broken", Role.GUARD, "P", "F"))[0] is Verdict.REGRESSION


def test_runs_that_the_drafter_never_saw_are_told_apart() -> None:
    cases = [*many(6, Role.FAILING, "F", "P"), *many(5, Role.GUARD, "P", "P")]
    unread = [replace(case, held_out=case.role is Role.FAILING and case.trace_id in {"0", "1"}) for case in cases]
    assert weigh(unread) == (Verdict.VERIFIED, f"{weigh(cases)[1]}; of the 2 that the drafter never saw, 2 pass")
