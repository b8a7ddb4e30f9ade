"""What a replayed run shows, and what it cannot show."""

import pytest

from clustering.detect import DETECTORS
from fixers.evidence import Arm, Result, Role
from fixers.replay.judge import judge
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.record import record
from fixers.replay.run import Run
from fixers.watch import Completed
from tests.unit.fixers.recorded_runs import Recording

TURNS = "Where is my order number 17 now?", "Where is my order number 17 now, please?"
TARGET = frozenset({("error", "RateLimitError")})


def further(*turns: str) -> Run:
    """Return a run that goes on where the recorded one ended: these turns, each with an answer."""
    talk = Recording("a" * 32, turns[0]).answers("It is on its way to you.")
    for turn in turns[1:]:
        talk.messages.append({"role": "user", "content": turn})
        talk.answers("It comes tomorrow.")
    playback = Playback(record(talk.trace), pool=Pool())
    playback.n_model_calls = len(turns)
    completed = Completed(exit_status=0, stdout="", stderr="", duration_s=1.0, timed_out=False)
    return Run(completed=completed, playback=playback, spans=talk.trace.spans)


@pytest.mark.parametrize(("role", "result"), [(Role.FAILING, Result.PASSED), (Role.GUARD, Result.FAILED)])
def test_recorded_words_of_a_person_are_not_held_against_a_run_that_gets_further(role: Role, result: Result) -> None:
    recorded = record(Recording("a" * 32, TURNS[0]).rate_limited().trace)
    found, why = judge(
        further(*TURNS), recorded=recorded, role=role, arm=Arm.AFTER, targets=TARGET, known=frozenset(),
        detectors=DETECTORS,
    )  # fmt: skip
    assert found is result, why
