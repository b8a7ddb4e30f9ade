"""Verify: try a proposal on the repository's own tests, on a new test, and on the recorded runs."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from clustering.detect import Detector
from clustering.failure import Failure
from fixers.checkout import apply_edits, copy_tree
from fixers.errors import DoesNotApply
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun, Verdict
from fixers.harness import Harness
from fixers.new_test import (
    NO_TESTS_COLLECTED,
    TESTS_FAILED,
    one_file,
    why_not_green,
    why_not_red,
)
from fixers.proposal import Proposal
from fixers.replay.case import Bench, Case, run_pair
from fixers.replay.cassette import Cassette
from fixers.replay.from_traces import cases_of, unique
from fixers.replay.judge import is_rated
from fixers.replay.own_tools import decided_by_recording, run_with_own_tools, shows_repair, tells_apart
from fixers.replay.playback import LiveModel
from fixers.replay.pool import Pool
from fixers.replay.record import record
from fixers.replay.rounds import try_cases
from fixers.sandbox import Sandbox
from fixers.suite import Runner, Tested, is_pytest, no_longer_passing, run_tests, told
from fixers.weigh import paired_p, weigh
from webhooks.trace import Trace

N_TEST_STEPS = 4
INTERRUPTED = 2  # by files that cannot be imported
TOLD_APART = frozenset({TESTS_FAILED, INTERRUPTED})

NOT_SHOWN = (
    "the new test is red before the edits and green after them, and the repository's own tests still pass; not shown, "
    "for want of a replay command: that the recorded failing runs now succeed, and that healthy runs go on as before"
)

RATED_ONLY = (
    "the failure shows only in how these runs were rated, which no replay can repeat: a run counts as mended when its "
    "tools or the figures of its answer are no longer the same; whether they are right, the new test says"
)

#: Told of every step: (steps done, steps in all, what was done).
OnProgress = Callable[[int, int, str], None]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What has been tried so far; becomes the evidence."""

    suite: list[TestRun] = field(default_factory=list)
    regression: list[TestRun] = field(default_factory=list)
    #: What each test gave in the runs before any edit; empty when all pass.
    red: list[Mapping[str, bool]] = field(default_factory=list)
    cases: list[CaseResult] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One proposal under trial. The three folders are copies of the checkout, and every run copies them again."""

    proposal: Proposal
    bench: Bench
    cases: Sequence[Case]
    n_candidates: int
    before: Path
    after: Path
    #: The unedited code with nothing but the new test.
    before_with_test: Path
    findings: Findings
    step_done: Callable[[str], None]
    #: Runs one thing beside what the trial waits for; a machine has two cores.
    beside: Executor
    #: Test runs that are under way before it is their turn, by folder and command.
    ahead: dict[tuple[Path, tuple[str, ...]], Future[Tested]] = field(default_factory=dict)


#: A verdict that ends the trial, with its reason; None to go on.
Objection = tuple[Verdict, str] | None


def verify(
    proposal: Proposal,
    *,
    checkout: Path,
    harness: Harness,
    sandbox: Sandbox,
    failing: Sequence[Trace],
    guard: Sequence[Trace],
    pool: Sequence[Trace],
    failures: Mapping[str, Sequence[Failure]],
    detectors: Sequence[Detector],
    live: LiveModel | None = None,
    n_candidates: int = 1,
    tests_suffice: bool = False,
    mended: Sequence[Cassette] = (),
    on_fixed: Callable[[Cassette], None] = lambda _: None,
    on_progress: OnProgress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Evidence:
    """Try `proposal` and return the evidence; the first thing that speaks against it ends the trial.

    Parameters
    ----------
    proposal
        The edits, their regression test among them.
    checkout
        The repository at the proposal's base; it is read, never changed.
    harness, sandbox
        How the repository's code is run, and where.
    failing, guard
        Traces of the failure mode, and healthy ones. No more failing ones are tried than there are healthy ones.
    pool
        Further traces of the service, whose answers may be used.
    failures
        By trace_id: what must not show again.
    detectors
        What judges the replayed runs; the same that found the failures.
    live
        A model that answers what was not recorded.
    n_candidates
        How many proposals for this failure mode are tried; each more makes the test stricter.
    tests_suffice
        Goes on without a replay command: the best verdict is then `UNREPLAYED`, which opens no pull request.
    mended
        Runs that failed once and that earlier fixes mended; guard cases beside `guard`.
    on_fixed
        Told of every failing run that passes after the edits, as a cassette that answers it once more.
    on_progress
        Told of every step.
    clock
        Seconds, for the duration.

    """
    started = clock()
    replayed = bool(harness.replay) or not tests_suffice
    cases = []
    if replayed:
        rules, seen = harness.policies, proposal.seen
        cases = cases_of(failing, guard, failures=failures, detectors=detectors, policies=rules, seen=seen)
        cases += [Case(cassette=cassette, role=Role.GUARD) for cassette in mended]
    recorded = Pool(record(trace) for trace in unique([*failing, *guard, *pool]))
    bench = Bench(harness=harness, sandbox=sandbox, pool=recorded, detectors=detectors, live=live, on_fixed=on_fixed)
    findings = Findings()
    step_done = _counter(N_TEST_STEPS + len(cases), on_progress)
    try:
        with _trial(
            proposal,
            checkout,
            bench=bench,
            cases=cases,
            n_candidates=n_candidates,
            findings=findings,
            step_done=step_done,
        ) as trial:
            checks = [check for check in CHECKS if harness.replay or not (tests_suffice and check in _WITH_REPLAY)]
            objections = (check(trial) for check in checks)
            verdict, reason = next((found for found in objections if found), None) or _weighed(trial)
    except DoesNotApply as error:
        verdict, reason = Verdict.DOES_NOT_APPLY, str(error)
    return Evidence(
        proposal_id=proposal.id,
        verdict=verdict,
        reason=reason,
        isolation=sandbox.name,
        suite=tuple(findings.suite),
        regression=tuple(findings.regression),
        cases=tuple(findings.cases),
        p_value=paired_p(findings.cases),
        live_model=live.name if live and any(case.n_live for case in findings.cases) else None,
        duration_s=clock() - started,
    )


def _counter(total: int, on_progress: OnProgress | None) -> Callable[[str], None]:
    done = count(1)

    def step_done(what: str) -> None:
        if on_progress:
            on_progress(next(done), total, what)

    return step_done


@contextmanager
def _trial(
    proposal: Proposal,
    checkout: Path,
    *,
    bench: Bench,
    cases: Sequence[Case],
    n_candidates: int,
    findings: Findings,
    step_done: Callable[[str], None],
) -> Iterator[Trial]:
    test_only = [edit for edit in proposal.edits if edit.path == proposal.regression_test]
    with (
        tempfile.TemporaryDirectory(prefix="tracewright-trial-") as folder,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        trial = Trial(
            proposal=proposal,
            bench=bench,
            cases=cases,
            n_candidates=n_candidates,
            before=Path(folder) / "before",
            after=Path(folder) / "after",
            before_with_test=Path(folder) / "before-with-test",
            findings=findings,
            step_done=step_done,
            beside=beside,
        )
        for arm, edits in ((trial.before, ()), (trial.after, proposal.edits), (trial.before_with_test, test_only)):
            copy_tree(checkout, arm)
            apply_edits(arm, edits)
        yield trial


def _tests_before(trial: Trial) -> Objection:
    command = trial.bench.harness.test
    _begin(trial, trial.before_with_test, Arm.BEFORE, one_file(command, trial.proposal.regression_test))
    run = _tested(trial, trial.before, Arm.BEFORE, command).run
    trial.step_done("tests before")
    if is_pytest(command) and run.exit_status == NO_TESTS_COLLECTED:
        trial.findings.suite.append(run)
        return Verdict.NOT_TESTABLE, "the repository has no tests"
    if run.exit_status == 0 or not is_pytest(command) or run.exit_status not in TOLD_APART:
        trial.findings.suite.append(run)
        failed = f"the tests end with exit status {run.exit_status} before any edit"
        return (Verdict.TESTS_ALREADY_FAIL, failed) if run.exit_status else None
    return _red_before(trial, command)


def _red_before(trial: Trial, command: Sequence[str]) -> Objection:
    """Find out which tests fail before any edit, in two runs: what fails now and then is nobody's fault either."""
    tested = [_tested(trial, trial.before, Arm.BEFORE, command, apart=True) for _ in range(2)]
    trial.findings.suite.append(tested[0].run)
    trial.findings.red = [each.passed for each in tested if each.passed is not None]
    if len(trial.findings.red) < len(tested) or not any(map(any, (run.values() for run in trial.findings.red))):
        status = tested[0].run.exit_status
        return (
            Verdict.TESTS_ALREADY_FAIL,
            f"the tests end with exit status {status} before any edit, and none is known to pass",
        )
    return None


def _has_replay_command(trial: Trial) -> Objection:
    if trial.bench.harness.replay is None:
        return Verdict.NOT_TESTABLE, "the repository's configuration names no replay command"
    return None


def _new_test(trial: Trial) -> Objection:
    """Object when the new test is not red before the edits and green after them."""
    path = trial.proposal.regression_test
    if path not in {edit.path for edit in trial.proposal.edits if edit.after is not None}:
        return Verdict.TEST_PROVES_NOTHING, f"the regression test {path!r} is not among the edits"
    command = one_file(trial.bench.harness.test, path)
    red = _tested(trial, trial.before_with_test, Arm.BEFORE, command).run
    trial.findings.regression.append(red)
    trial.step_done("new test before")
    if problem := why_not_red(red.exit_status, red.output):
        return Verdict.TEST_PROVES_NOTHING, problem
    _begin(trial, trial.after, Arm.AFTER, trial.bench.harness.test, apart=bool(trial.findings.red))
    green = _tested(trial, trial.after, Arm.AFTER, command).run
    trial.findings.regression.append(green)
    trial.step_done("new test after")
    if problem := why_not_green(green.exit_status, green.output):
        return Verdict.TEST_PROVES_NOTHING, problem
    return None


def _tests_after(trial: Trial) -> Objection:
    command, red = trial.bench.harness.test, trial.findings.red
    run, passed = _tested(trial, trial.after, Arm.AFTER, command, apart=bool(red))
    trial.findings.suite.append(run)
    trial.step_done("tests after")
    if not red and run.exit_status != 0:
        return Verdict.BREAKS_TESTS, f"the tests end with exit status {run.exit_status} after the edits"
    if red and passed is None:
        return Verdict.BREAKS_TESTS, f"the tests tell nothing after the edits, with exit status {run.exit_status}"
    if red and (broken := no_longer_passing(red, passed or {})):
        return Verdict.BREAKS_TESTS, f"{len(broken)} tests no longer pass after the edits: {told(broken)}"
    return None


def _replays(trial: Trial) -> Objection:
    """Replay the cases on both arms. Never objects: they are weighed together."""
    results = _tried(trial, trial.bench)
    if not shows_repair(results):
        # Recorded results of tools hide an edit of a tool's code; a harness runs its own only beside a live model.
        bench, live = trial.bench, trial.bench.live
        own = run_with_own_tools(trial.cases, bench, before=trial.before, after=trial.after) if live else None
        if own and tells_apart(own):
            results = _tried(trial, replace(bench, own_tools=True))
        elif _only_rated(trial) and (own is None or own.before.result is not Result.FAILED):
            results = decided_by_recording(results)
    trial.findings.cases += results
    return None


def _tried(trial: Trial, bench: Bench) -> list[CaseResult]:
    return try_cases(
        trial.cases,
        lambda case: run_pair(case, bench, before=trial.before, after=trial.after),
        n_candidates=trial.n_candidates,
        on_case=lambda case: trial.step_done(f"replay of a {case.role} run"),
    )


#: In this order: what is cheap and damning comes first.
CHECKS: tuple[Callable[[Trial], Objection], ...] = (
    _tests_before,
    _has_replay_command,
    _new_test,
    _tests_after,
    _replays,
)


_WITH_REPLAY = frozenset({_has_replay_command, _replays})


def _weighed(trial: Trial) -> tuple[Verdict, str]:
    if trial.bench.harness.replay is None:
        return Verdict.UNREPLAYED, NOT_SHOWN
    verdict, reason = weigh(trial.findings.cases, n_candidates=trial.n_candidates)
    return verdict, f"{reason}; {RATED_ONLY}" if _only_rated(trial) else reason


def _only_rated(trial: Trial) -> bool:
    """Whether nothing but ratings speaks against the failing runs."""
    failing = [case for case in trial.cases if case.role is Role.FAILING]
    return bool(failing) and all(is_rated(case.targets) for case in failing)


def _begin(trial: Trial, folder: Path, arm: Arm, command: Sequence[str], *, apart: bool = False) -> None:
    """Start a test run before it is its turn: most trials get that far, and a suite may take minutes."""
    started = trial.beside.submit(run_tests, folder, arm, command, _runner(trial), apart=apart)
    trial.ahead[folder, tuple(command)] = started


def _tested(trial: Trial, folder: Path, arm: Arm, command: Sequence[str], *, apart: bool = False) -> Tested:
    if started := trial.ahead.pop((folder, tuple(command)), None):
        return started.result()
    return run_tests(folder, arm, command, _runner(trial), apart=apart)


def _runner(trial: Trial) -> Runner:
    return Runner(trial.bench.sandbox, trial.bench.harness.timeout_s)
