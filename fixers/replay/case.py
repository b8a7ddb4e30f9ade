"""One case of the evidence: a recorded run, replayed before and after the edits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from clustering.detect import Detector
from clustering.failure import Failure
from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.harness import Harness
from fixers.replay.cassette import Cassette
from fixers.replay.judge import Signature, judge
from fixers.replay.playback import LiveModel
from fixers.replay.pool import Pool
from fixers.replay.run import Run, replay
from fixers.sandbox import Sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every case of one proposal is tried with."""

    harness: Harness
    sandbox: Sandbox
    pool: Pool
    detectors: Sequence[Detector]
    live: LiveModel | None = None
    #: The harness runs its own tools beside the live model: recorded results would hide an edit of a tool's code.
    own_tools: bool = False
    #: Told of every failing run that passes after the edits, as a cassette that answers it once more.
    on_fixed: Callable[[Cassette], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A recorded run and what it is there for."""

    cassette: Cassette
    role: Role
    #: What must not show again; empty for a guard case.
    targets: frozenset[Signature] = frozenset()
    #: What else the recorded run shows.
    known: frozenset[Signature] = frozenset()
    #: Whether the drafter could not read it.
    held_out: bool = False


class Pair(NamedTuple):
    """A case's first trial on both arms."""

    before: CaseResult
    after: CaseResult
    #: Runs a random case once more on both arms; None where it would only do the same again.
    again: Callable[[], tuple[CaseResult, CaseResult]] | None


def run_case(
    cassette: Cassette,
    original_failures: Sequence[Failure],
    *,
    role: Role,
    arm: Arm,
    checkout: Path,
    harness: Harness,
    sandbox: Sandbox,
    pool: Pool,
    detectors: Sequence[Detector],
    live: LiveModel | None = None,
) -> CaseResult:
    """Replay one case once; `original_failures` are what must not show again."""
    targets = frozenset(failure.signature for failure in original_failures)
    case = Case(cassette=cassette, role=role, targets=targets)
    bench = Bench(harness=harness, sandbox=sandbox, pool=pool, detectors=detectors, live=live)
    return _result(case, arm, _replay(case, bench, checkout), bench)


def run_pair(case: Case, bench: Bench, *, before: Path, after: Path) -> Pair:
    """Replay a case on both arms; a case that says nothing on the first is not run on the second.

    Where the edits change what the model is asked before all that was recorded is served, a failure that comes now
    and then would seem mended by mere chance. Such a run is compared with one of the unedited code whose answers are
    live too, and which is judged alike.
    """
    if case.cassette.input is None:
        return _uncompared(case, _unpaired(case, Arm.BEFORE, "the trace did not record its input"), "not run")
    first = _replay(case, bench, before)
    result = _result(case, Arm.BEFORE, first, bench)
    again = partial(_trial, case, bench, before, after, first.playback.sdk_retries_seen)
    more = None if bench.live and bench.live.is_steady else again
    if first.playback.n_live:
        # Looked at first, kept only where it failed: that run would make any edits seem a repair.
        return Pair(*again(), more)
    if result.result is not _recorded_result(case):
        if _is_fickle(case, bench, first, before):
            return Pair(*again(), again)
        return _uncompared(case, result, f"not compared: before the edits, {result.reason}")
    second = _replay(case, bench, after, sdk_retries=first.playback.sdk_retries_seen)
    if _has_diverged(second):
        result = _live_control(case, bench, before)
    outcome = _after(case, second, bench)
    if outcome.result is Result.FAILED and case.role is Role.GUARD and not second.playback.n_live:
        more = again if _is_passing(case, bench, after, first.playback.sdk_retries_seen) else None
        return Pair(result, outcome, more)
    return Pair(result, outcome, more if second.playback.n_live else None)


def _trial(case: Case, bench: Bench, before: Path, after: Path, sdk_retries: int) -> tuple[CaseResult, CaseResult]:
    """Run a random case once more on both arms, both judged alike."""
    second = _replay(case, bench, after, sdk_retries=sdk_retries)
    if _has_diverged(second):
        control = _live_control(case, bench, before)
    else:
        control = _control(case, bench, _replay(case, bench, before))
    return control, _after(case, second, bench)


def _after(case: Case, run: Run, bench: Bench) -> CaseResult:
    result = _result(case, Arm.AFTER, run, bench)
    if case.role is Role.FAILING and result.result is Result.PASSED:
        bench.on_fixed(run.playback.completed)
    return result


def _is_fickle(case: Case, bench: Bench, first: Run, before: Path) -> bool:
    """Whether the unedited code, which did not do what it did when it was recorded, does so the next time."""
    if _result(case, Arm.AFTER, first, bench).result is Result.INCONCLUSIVE:
        return False
    return _result(case, Arm.BEFORE, _replay(case, bench, before), bench).result is _recorded_result(case)


def _is_passing(case: Case, bench: Bench, after: Path, sdk_retries: int) -> bool:
    """Whether a healthy run that failed after the edits passes the next time: what edits break stays broken."""
    run = _replay(case, bench, after, sdk_retries=sdk_retries)
    return _result(case, Arm.AFTER, run, bench).result is Result.PASSED


def _recorded_result(case: Case) -> Result:
    return Result.FAILED if case.role is Role.FAILING else Result.PASSED


def _has_diverged(run: Run) -> bool:
    return run.playback.n_live > 0 and not run.playback.followed_recording


def _uncompared(case: Case, before: CaseResult, reason: str) -> Pair:
    return Pair(before, _unpaired(case, Arm.AFTER, reason), None)


def _live_control(case: Case, bench: Bench, before: Path) -> CaseResult:
    """Run the unedited code with a live model alone; tools still answer as recorded."""
    unrecorded = replace(case, cassette=replace(case.cassette, model_calls=()))
    run = _replay(unrecorded, replace(bench, pool=Pool()), before)
    return _control(case, bench, run)


def _control(case: Case, bench: Bench, run: Run) -> CaseResult:
    return replace(_result(case, Arm.AFTER, run, bench), arm=Arm.BEFORE)


def _replay(case: Case, bench: Bench, checkout: Path, *, sdk_retries: int | None = None) -> Run:
    return replay(
        case.cassette,
        checkout=checkout,
        harness=bench.harness,
        sandbox=bench.sandbox,
        pool=bench.pool,
        live=bench.live,
        sdk_retries=sdk_retries,
        own_tools=bench.own_tools,
    )


def _result(case: Case, arm: Arm, run: Run, bench: Bench) -> CaseResult:
    result, reason = judge(
        run,
        recorded=case.cassette,
        role=case.role,
        arm=arm,
        targets=case.targets,
        known=case.known,
        detectors=bench.detectors,
    )
    return CaseResult(
        trace_id=case.cassette.trace_id,
        role=case.role,
        arm=arm,
        result=result,
        reason=reason,
        held_out=case.held_out,
        n_recorded=run.playback.n_recorded,
        n_pooled=run.playback.n_pooled,
        n_live=run.playback.n_live,
    )


def _unpaired(case: Case, arm: Arm, reason: str) -> CaseResult:
    return CaseResult(
        trace_id=case.cassette.trace_id,
        role=case.role,
        arm=arm,
        result=Result.INCONCLUSIVE,
        reason=reason,
        held_out=case.held_out,
    )
