"""Every verdict, each reached by trying a proposal on a small repository."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from clustering.detect import DETECTORS
from fixers.checkout import read_tree
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, Verdict
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from fixers.replay.cassette import Cassette
from fixers.sandbox import Completed, Unisolated, find_sandbox
from fixers.verify import verify
from fixers.weigh import weigh
from tests.unit.fixers.recorded_runs import (
    HARNESS,
    OWN_TESTS,
    PLAIN_PYTEST,
    REPOSITORY,
    edit,
    failing,
    healthy,
    proposal,
    rate_limit,
    settings,
    unisolated,
    write_repository,
)
from webhooks.trace import Trace

PYTEST = ("python", "-m", "pytest", "-q")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return write_repository(tmp_path / "checkout")


class Meeting(Unisolated):
    """Starts a test run only when another one is about to start too."""

    met = Barrier(2, timeout=60)

    def run(self, command: Sequence[str], **more: Any) -> Completed:  # noqa: ANN401  # as `Unisolated.run` takes
        if command != HARNESS.replay:
            self.met.wait()
        return super().run(command, **more)


def tried(
    made: Proposal,
    checkout: Path,
    *,
    n: int = 1,
    harness: Harness = HARNESS,
    guard: Sequence[Trace] | None = None,
    **more: object,
) -> Evidence:
    failed = [failing(number) for number in range(1, n + 1)]
    guards = [healthy(number) for number in range(1, n + 1)] if guard is None else guard
    return verify(
        made,
        checkout=checkout,
        harness=harness,
        **{"sandbox": unisolated(), "pool": [], **more},
        failing=failed,
        guard=guards,
        failures={trace.trace_id: [rate_limit(trace)] for trace in failed},
        detectors=DETECTORS,
    )


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_repair_of_enough_runs_is_verified_in_the_sandbox(checkout: Path) -> None:
    steps: list[tuple[int, int]] = []
    evidence = tried(
        proposal(),
        checkout,
        n=5,
        harness=replace(HARNESS, test=PYTEST),
        sandbox=replace(find_sandbox(), variables=PLAIN_PYTEST),
        on_progress=lambda done, total, _: steps.append((done, total)),
    )
    assert (evidence.verdict, evidence.isolation) == (Verdict.VERIFIED, "bubblewrap"), evidence.reason
    assert evidence.p_value == pytest.approx(0.5**5)
    assert [run.exit_status for run in (*evidence.suite, *evidence.regression)] == [0, 0, 1, 0]
    assert [case.result for case in evidence.cases[:10]] == [Result.FAILED, Result.PASSED] * 5
    assert steps == [(done, 14) for done in range(1, 15)]


def test_the_checkout_is_never_changed(checkout: Path) -> None:
    given = read_tree(checkout)
    tried(proposal(), checkout)
    assert read_tree(checkout) == given


def test_a_repair_of_few_runs_is_too_noisy(checkout: Path) -> None:
    evidence = tried(proposal(), checkout)
    assert (evidence.verdict, evidence.p_value) == (Verdict.TOO_NOISY, 0.5)


def test_edits_that_change_nothing_for_the_failing_runs_do_not_fix(checkout: Path) -> None:
    unrelated = proposal(
        edit("settings.py", settings(1) + "MARK = 1\n"),
        test="import settings\ndef test_mark():\n    assert settings.MARK\n",
    )
    evidence = tried(unrelated, checkout)
    assert (evidence.verdict, evidence.reason) == (Verdict.NOT_FIXED, "1 of 1 failing runs still fail after the edits")


def test_edits_that_break_a_healthy_run_are_a_regression(checkout: Path) -> None:
    crash = REPOSITORY["agent.py"].replace(
        "def run_tool(name, arguments):", "def run_tool(name, arguments):\n    1 / 0"
    )
    evidence = tried(proposal(edit("settings.py", settings(2)), edit("agent.py", crash)), checkout)
    assert (evidence.verdict, evidence.reason) == (Verdict.REGRESSION, "1 of 1 healthy runs fail after the edits")


def test_edits_that_no_recorded_run_can_follow_are_too_noisy(checkout: Path) -> None:
    evidence = tried(proposal(edit("settings.py", settings(2, system="Be brief."))), checkout)
    assert evidence.verdict is Verdict.TOO_NOISY
    assert {case.result for case in evidence.cases if case.arm is Arm.AFTER} == {Result.INCONCLUSIVE}


def test_failing_runs_without_as_many_healthy_ones_are_left_out(checkout: Path) -> None:
    assert tried(proposal(), checkout, guard=[]).cases == ()


@pytest.mark.parametrize(
    "bad",
    [
        Edit(path="settings.py", before="something else", after="x"),
        Edit(path="../escaped.py", before=None, after="x"),
        Edit(path="agent.py", before=None, after="x"),
        Edit(path=".git/hooks/pre-commit", before=None, after="x"),
    ],
)
def test_edits_that_do_not_fit_do_not_apply(checkout: Path, bad: Edit) -> None:
    evidence = tried(proposal(bad), checkout)
    assert (evidence.verdict, repr(bad.path) in evidence.reason, evidence.suite) == (Verdict.DOES_NOT_APPLY, True, ())


def test_a_repository_without_tests_is_not_testable(tmp_path: Path) -> None:
    bare = write_repository(tmp_path / "bare", {**REPOSITORY, "test_agent.py": ""})
    evidence = tried(proposal(), bare, harness=replace(HARNESS, test=PYTEST))
    assert (evidence.verdict, evidence.reason) == (Verdict.NOT_TESTABLE, "the repository has no tests")


def test_a_repository_without_a_replay_command_is_not_testable(checkout: Path) -> None:
    assert tried(proposal(), checkout, harness=replace(HARNESS, replay=None)).verdict is Verdict.NOT_TESTABLE


def test_the_suite_and_the_new_test_run_beside_each_other(checkout: Path) -> None:
    meeting = Meeting(python=Path(sys.executable))
    evidence = tried(proposal(), checkout, sandbox=meeting, harness=replace(HARNESS, replay=None))
    assert evidence.verdict is Verdict.NOT_TESTABLE
    assert meeting.met.broken is False
    evidence = tried(proposal(), checkout, sandbox=meeting, harness=HARNESS)
    assert [run.exit_status for run in evidence.suite] == [0, 0]
    assert [run.exit_status for run in evidence.regression] == [1, 0]


def test_tests_that_fail_already_are_told(tmp_path: Path) -> None:
    red = write_repository(tmp_path / "red", {**REPOSITORY, "test_agent.py": "def test_red():\n    assert 0\n"})
    assert tried(proposal(), red).verdict is Verdict.TESTS_ALREADY_FAIL


def test_edits_that_break_the_repositorys_own_tests_are_told(checkout: Path) -> None:
    assert tried(proposal(edit("settings.py", settings(9))), checkout).verdict is Verdict.BREAKS_TESTS


@pytest.mark.parametrize(
    "test",
    [
        "def test_nothing():\n    assert 1\n",
        "def test_never():\n    assert 0\n",
        "import no_such_module\ndef test_it():\n    assert 1\n",
        "import settings\nassert settings.ATTEMPTS > 1\ndef test_it():\n    assert 1\n",
        "def test_it(:\n",
        "# no test at all\n",
        "def test_it(no_such_fixture):\n    assert 1\n",
        "import pytest\n@pytest.mark.skip\ndef test_it():\n    assert 0\n",
    ],
)
def test_a_test_that_is_not_red_then_green_proves_nothing(checkout: Path, test: str) -> None:
    assert tried(proposal(test=test), checkout).verdict is Verdict.TEST_PROVES_NOTHING


def test_a_proposal_without_its_test_proves_nothing(checkout: Path) -> None:
    made = replace(proposal(), regression_test="elsewhere.py")
    assert tried(made, checkout).verdict is Verdict.TEST_PROVES_NOTHING


def test_a_repository_with_another_test_command_still_has_its_new_test_run(checkout: Path) -> None:
    evidence = tried(proposal(), checkout)
    assert evidence.suite[0].command == OWN_TESTS
    assert evidence.regression[0].command == ("python", "-m", "pytest", "./test_retry.py")
    assert evidence.verdict is Verdict.TOO_NOISY


def test_a_run_that_a_fix_mended_guards_it_against_the_next_fix(checkout: Path, tmp_path: Path) -> None:
    kept: list[Cassette] = []
    tried(proposal(), checkout, on_fixed=kept.append)
    assert [call.error is None for call in kept[0].model_calls] == [False, True, True]
    fixed = write_repository(tmp_path / "fixed", {**REPOSITORY, "settings.py": settings(2)})
    undone = Edit(path="settings.py", before=settings(2), after=settings(1))
    test = "import settings\ndef test_once():\n    assert settings.ATTEMPTS == 1\n"
    assert tried(proposal(undone, test=test), fixed).verdict is Verdict.TOO_NOISY
    evidence = tried(proposal(undone, test=test), fixed, mended=kept)
    assert (evidence.verdict, evidence.cases[-1].trace_id) == (Verdict.REGRESSION, failing(1).trace_id)


def test_failing_runs_that_the_drafter_could_not_read_are_marked(checkout: Path) -> None:
    evidence = tried(replace(proposal(), seen=(failing(1).trace_id,)), checkout, n=2)
    told = {case.trace_id: case.held_out for case in evidence.cases if case.role is Role.FAILING}
    assert told == {failing(1).trace_id: False, failing(2).trace_id: True}


def both(number: int, role: Role, before: Result, after: Result) -> list[CaseResult]:
    arms = ((Arm.BEFORE, before), (Arm.AFTER, after))
    return [CaseResult(trace_id=f"{role}{number}", role=role, arm=arm, result=result) for arm, result in arms]


def cases(n_fixed: int, n_guards: int) -> list[CaseResult]:
    fixed = [both(i, Role.FAILING, Result.FAILED, Result.PASSED) for i in range(n_fixed)]
    kept = [both(i, Role.GUARD, Result.PASSED, Result.PASSED) for i in range(n_guards)]
    return [case for pair in (*fixed, *kept) for case in pair]


def test_five_repairs_and_five_guards_are_enough_and_four_are_not() -> None:
    assert weigh(cases(5, 5))[0] is Verdict.VERIFIED
    assert weigh(cases(4, 5))[0] is Verdict.TOO_NOISY
    assert weigh(cases(5, 4))[0] is Verdict.TOO_NOISY


def test_more_candidates_need_more_repairs() -> None:
    assert weigh(cases(5, 5), n_candidates=2)[0] is Verdict.TOO_NOISY
    assert weigh(cases(6, 5), n_candidates=2)[0] is Verdict.VERIFIED


def test_one_broken_guard_outweighs_every_repair() -> None:
    assert weigh(cases(9, 9) + both(99, Role.GUARD, Result.PASSED, Result.FAILED))[0] is Verdict.REGRESSION


def test_inconclusive_cases_count_for_nothing() -> None:
    open_cases = [both(i, Role.FAILING, Result.FAILED, Result.INCONCLUSIVE)[0] for i in range(20, 30)]
    assert weigh(cases(4, 9) + open_cases)[0] is Verdict.TOO_NOISY


def test_without_a_replay_command_the_tests_decide_only_where_that_was_asked_for(checkout: Path) -> None:
    bare = replace(HARNESS, replay=None)
    assert tried(proposal(), checkout, harness=bare).verdict is Verdict.NOT_TESTABLE
    evidence = tried(proposal(), checkout, harness=bare, tests_suffice=True)
    assert evidence.verdict is Verdict.UNREPLAYED
    assert evidence.cases == ()
    assert [run.arm for run in evidence.regression] == [Arm.BEFORE, Arm.AFTER]


def test_the_new_test_runs_with_the_options_of_the_command_and_without_its_selection(checkout: Path) -> None:
    harness = replace(
        HARNESS, test=("env", "A=1", *PYTEST, "-p", "no:cacheprovider", "-k", "not slow", "test_agent.py")
    )
    command = tried(proposal(), checkout, harness=harness).regression[0].command
    assert command[:7] == ("env", "A=1", "python", "-m", "pytest", "-p", "no:cacheprovider")
    assert len(command) == 8
