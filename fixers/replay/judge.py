"""Judge one replayed run: did it fail as before, in a new way, or not at all. No I/O."""

from collections.abc import Callable, Sequence
from itertools import groupby

from clustering.detect import Detector, detect
from clustering.failure import Failure
from fixers.evidence import Arm, Result, Role
from fixers.replay.cassette import Cassette
from fixers.replay.run import Run
from fixers.replay.upshot import upshot_of_recording, upshot_of_run
from webhooks.operation import Operation, operation
from webhooks.semconv import tool_name
from webhooks.trace import Span, Trace

#: Failures that only somebody's judgement, or other runs, show: no replay can see them.
UNSEEN = frozenset({"judge", "negative_feedback", "outlier"})
#: Those of them that speak of what one run did and answered: a replay shows whether it comes to the same again.
RATED = frozenset({"judge", "negative_feedback"})

#: What people say: a replay repeats their recorded words, also those of turns that the failing run never came to, and
#: they say nothing of the answers that they get now.
SAID = frozenset({"objection"})

#: (detector, key); see `clustering.failure.Failure.signature`.
Signature = tuple[str, str]
Look = Callable[[Trace, Sequence[Detector]], list[Failure]]


def judge(
    run: Run,
    *,
    recorded: Cassette,
    role: Role,
    arm: Arm,
    targets: frozenset[Signature],
    known: frozenset[Signature],
    detectors: Sequence[Detector],
) -> tuple[Result, str]:
    """Return how the run ended and why, in a sentence.

    Parameters
    ----------
    run
        What happened.
    recorded
        The run that was replayed: one that does less than it is no pass.
    role, arm
        Why the case is there, and which version of the repository ran.
    targets
        What must not show again; empty for a guard case.
    known
        What the recorded run shows beside them, which is not held against the edits.
    detectors
        The same that judged the recorded run.

    """
    if reason := _why_inconclusive(run, arm):
        return Result.INCONCLUSIVE, reason
    seen = signatures(run.spans, detectors)
    if role is Role.GUARD:
        return _judged(run, seen, _less(run, recorded, role))
    if is_rated(targets):
        return _rated(run, recorded, arm, seen - known)
    if not targets - unseen(targets):
        return Result.INCONCLUSIVE, f"no replay can see {_named(targets)}: somebody judged so, or other runs show it"
    return _failing(run, recorded, arm, targets, seen, known)


def signatures(spans: Sequence[Span], detectors: Sequence[Detector], look: Look = detect) -> frozenset[Signature]:
    """Return the kinds of failures that the spans show, whatever number of traces they make.

    Parameters
    ----------
    look
        `clustering.detect.see` tells also what another failure would hide.

    """
    ordered = sorted(spans, key=lambda span: span.trace_id)
    traces = (Trace.from_spans(list(group)) for _, group in groupby(ordered, key=lambda span: span.trace_id))
    return frozenset(failure.signature for trace in traces for failure in look(trace, detectors))


def is_rated(targets: frozenset[Signature]) -> bool:
    """Whether nothing but ratings speaks against a run."""
    return bool(targets) and all(detector in RATED for detector, _ in targets)


def unseen(targets: frozenset[Signature]) -> frozenset[Signature]:
    """Return those that no replay can show."""
    return frozenset(target for target in targets if target[0] in UNSEEN)


def _why_inconclusive(run: Run, arm: Arm) -> str:
    if run.playback.unrecorded:
        return run.playback.unrecorded[0]
    # Edited code that dies before it exports anything has failed; unedited code that does cannot be replayed.
    died = run.completed.exit_status != 0 and arm is Arm.AFTER
    if not run.spans and not died:
        return f"the run exported no spans (exit status {run.completed.exit_status})"
    return ""


def _less(run: Run, recorded: Cassette, role: Role) -> str:
    """Say what the recorded run did that this one does not: no detector sees an answer that was never worked for."""
    if recorded.model_calls and not run.playback.n_model_calls:
        return "the run never asks the model, as the recorded one did"
    if role is Role.FAILING:
        return ""
    called = {tool_name(span) for span in run.spans if operation(span) is Operation.TOOL}
    missing = sorted({tool.name for tool in recorded.tool_calls if tool.result is not None} - called)
    return f"the run never calls {', '.join(missing)}, as the recorded one did" if missing else ""


def _judged(run: Run, failures: frozenset[Signature], less: str) -> tuple[Result, str]:
    if run.completed.timed_out:
        return Result.FAILED, f"the run did not end within {run.completed.duration_s:.0f} s"
    if failures:
        return Result.FAILED, f"a failure that the recorded run does not have: {_named(failures)}"
    if run.completed.exit_status != 0:
        stopped = f", stopped at {run.completed.stopped}" if run.completed.stopped else ""
        return Result.FAILED, f"the replay command ended with exit status {run.completed.exit_status}{stopped}"
    return (Result.FAILED, less) if less else (Result.PASSED, "")


def _failing(  # noqa: PLR0917 - private: the pieces of one judgement
    run: Run,
    recorded: Cassette,
    arm: Arm,
    targets: frozenset[Signature],
    seen: frozenset[Signature],
    known: frozenset[Signature],
) -> tuple[Result, str]:
    if again := seen & targets:
        return Result.FAILED, f"the failure shows: {_named(again)}"
    if arm is Arm.BEFORE:
        return Result.INCONCLUSIVE, "not reproduced: the failure does not show on the unedited code"
    new = frozenset(each for each in seen - known if each[0] not in SAID)
    return _judged(run, new, _less(run, recorded, Role.FAILING))


def _rated(run: Run, recorded: Cassette, arm: Arm, failures: frozenset[Signature]) -> tuple[Result, str]:
    """Judge by what was rated: a run that comes to the same again is as bad as it was."""
    rated = upshot_of_recording(recorded)
    if rated is None:
        return Result.INCONCLUSIVE, "somebody rated the run, and what it answered was not recorded"
    if upshot_of_run(run.spans) == rated:
        return Result.FAILED, "the run does and tells what was rated bad"
    if arm is Arm.BEFORE:
        return Result.INCONCLUSIVE, "not reproduced: the unedited code does or tells something else than what was rated"
    return _judged(run, failures, _less(run, recorded, Role.FAILING))


def _named(found: frozenset[Signature]) -> str:
    return ", ".join(f"{detector} {key}" for detector, key in sorted(found))
