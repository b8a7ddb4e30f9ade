"""How often each case is tried, with scripted trials instead of runs."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle

from fixers.evidence import Arm, CaseResult, Result, Role, Verdict
from fixers.replay.case import Case, Pair
from fixers.replay.cassette import Cassette
from fixers.replay.rounds import try_cases
from fixers.weigh import weigh

RESULTS = {"P": Result.PASSED, "F": Result.FAILED, "?": Result.INCONCLUSIVE}


def case(name: str, role: Role = Role.FAILING) -> Case:
    return Case(cassette=Cassette(trace_id=name, service="", input="", model_calls=(), tool_calls=()), role=role)


def many(n: int, role: Role) -> list[Case]:
    return [case(f"{role}{number}", role) for number in range(n)]


def scripted(script: dict[Role, tuple[str, str]], *, random: bool = True) -> Callable[[Case], Pair]:
    """Return what tries cases as `script` says, by role: a letter for each trial before and after, from the start."""

    def run(one: Case) -> Pair:
        letters: Iterator[tuple[str, str]] = cycle(zip(*script[one.role], strict=True))

        def again() -> tuple[CaseResult, CaseResult]:
            before, after = next(letters)
            return made(one, Arm.BEFORE, before), made(one, Arm.AFTER, after)

        return Pair(*again(), again if random else None)

    return run


def made(one: Case, arm: Arm, letter: str) -> CaseResult:
    return CaseResult(trace_id=one.cassette.trace_id, role=one.role, arm=arm, result=RESULTS[letter])


def trials(results: list[CaseResult]) -> Counter[str]:
    return Counter(result.trace_id for result in results if result.arm is Arm.AFTER)


def test_what_is_not_random_is_tried_once() -> None:
    cases = many(8, Role.FAILING) + many(8, Role.GUARD)
    results = try_cases(cases, scripted({Role.FAILING: ("F", "P"), Role.GUARD: ("P", "P")}, random=False))
    assert set(trials(results).values()) == {1}
    assert weigh(results)[0] is Verdict.VERIFIED


def test_a_clear_repair_of_random_runs_ends_after_one_round() -> None:
    cases = many(8, Role.FAILING) + many(8, Role.GUARD)
    results = try_cases(cases, scripted({Role.FAILING: ("FFF", "PPP"), Role.GUARD: ("PPP", "PPP")}))
    assert set(trials(results).values()) == {3}
    assert weigh(results)[0] is Verdict.VERIFIED


def test_only_mixed_cases_are_tried_again_while_it_is_open() -> None:
    cases = many(6, Role.FAILING) + many(6, Role.GUARD)
    results = try_cases(cases, scripted({Role.FAILING: ("FFF", "FFP"), Role.GUARD: ("PPP", "PPP")}))
    assert {role: {trials(results)[f"{role}{i}"] for i in range(6)} for role in Role} == {
        Role.FAILING: {6},
        Role.GUARD: {3},
    }
    assert weigh(results)[0] is Verdict.VERIFIED  # 12 of 36 trials against none


def test_luck_in_the_first_trial_does_not_pass() -> None:
    cases = many(8, Role.FAILING) + many(8, Role.GUARD)
    results = try_cases(cases, scripted({Role.FAILING: ("FPF", "PFF"), Role.GUARD: ("PPP", "PPP")}))
    assert weigh(results)[0] is Verdict.NOT_FIXED


def test_healthy_runs_that_break_now_and_then_outweigh_repairs_now_and_then() -> None:
    cases = many(5, Role.FAILING) + many(5, Role.GUARD)
    results = try_cases(cases, scripted({Role.FAILING: ("FFF", "FFP"), Role.GUARD: ("PPP", "PFF")}))
    assert weigh(results)[0] is Verdict.TOO_NOISY


def test_no_round_begins_that_the_budget_cannot_end() -> None:
    cases = many(6, Role.FAILING) + many(6, Role.GUARD)
    script = scripted({Role.FAILING: ("FFF", "FFP"), Role.GUARD: ("PPP", "PPP")})
    assert max(trials(try_cases(cases, script, max_trials=36 + 18)).values()) == 6
    assert sum(trials(try_cases(cases, script, max_trials=36 + 17)).values()) == 36


def test_a_random_case_that_cannot_be_repeated_counts_for_nothing() -> None:
    script = scripted({Role.FAILING: ("F", "P"), Role.GUARD: ("P", "P")})
    results = try_cases(many(5, Role.FAILING) + many(5, Role.GUARD), script, max_trials=11)
    assert {result.result for result in results} == {Result.INCONCLUSIVE}
    assert weigh(results)[0] is Verdict.TOO_NOISY


def test_more_candidates_take_more_to_convince() -> None:
    cases = many(5, Role.FAILING) + many(5, Role.GUARD)
    script = scripted({Role.FAILING: ("FFF", "FPP"), Role.GUARD: ("PPP", "PPP")})
    once, of_nine = (sum(trials(try_cases(cases, script, n_candidates=n)).values()) for n in (1, 9))
    assert once < of_nine
