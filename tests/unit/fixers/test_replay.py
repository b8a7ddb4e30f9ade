"""Replays of a small agent without retry against its recorded runs."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clustering.detect import DETECTORS, detect
from fixers.checkout import apply_edits
from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.replay.case import Bench, Case, Pair, run_case, run_pair
from fixers.replay.cassette import Cassette
from fixers.replay.playback import LiveModel
from fixers.replay.pool import Pool
from fixers.replay.record import record
from tests.unit.fixers.recorded_runs import (
    HARNESS,
    OPENAI_MODEL,
    REPOSITORY,
    SYSTEM,
    Recording,
    edit,
    failing,
    healthy,
    rate_limit,
    settings,
    unisolated,
    write_repository,
)
from webhooks.trace import Trace

# Tries a second time in every other run: these are counted in a file.
FICKLE = """from settings import RUNS, SYSTEM
with open(RUNS, "a+") as runs:
    runs.write("x")
    ATTEMPTS = 1 + runs.tell() % 2
"""
WAIT = 'time.sleep(float(error.headers["retry-after"]))'


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return write_repository(tmp_path / "before")


@pytest.fixture
def after(tmp_path: Path) -> Path:
    folder = write_repository(tmp_path / "after")
    apply_edits(folder, [edit("settings.py", settings(2))])
    return folder


class ScriptedModel:
    name = "scripted"

    def __init__(self, text: str, *, is_steady: bool = False) -> None:
        self.text = text
        self.is_steady = is_steady

    def complete(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        message = {"role": "assistant", "content": f"{self.text} after {len(body['messages'])} messages"}
        return 200, {}, json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


HELLO = ScriptedModel("Hello")


def tried(
    trace: Trace,
    checkout: Path,
    *,
    role: Role = Role.FAILING,
    arm: Arm = Arm.AFTER,
    pool: Pool | None = None,
    **more: object,
) -> CaseResult:
    original = [rate_limit(trace)] if role is Role.FAILING else []
    return run_case(
        record(trace),
        original,
        role=role,
        arm=arm,
        checkout=checkout,
        **{"harness": HARNESS, "sandbox": unisolated(), "pool": pool or Pool(), "detectors": DETECTORS, **more},
    )


def test_the_recorded_failure_is_what_the_detectors_see() -> None:
    assert [failure.signature for failure in detect(failing(1))] == [rate_limit(failing(1)).signature]


def test_a_recorded_failure_shows_again_on_the_unedited_code(before: Path) -> None:
    result = tried(failing(1), before, arm=Arm.BEFORE)
    assert (result.result, result.n_recorded) == (Result.FAILED, 1)


def test_a_retry_after_a_recorded_429_is_answered_from_another_run(after: Path) -> None:
    result = tried(failing(1), after, pool=Pool([record(failing(1)), record(healthy(1))]))
    assert (result.result, result.reason) == (Result.PASSED, "")
    assert (result.n_recorded, result.n_pooled, result.n_live) == (1, 3, 0)  # 429; two answers and a tool's result


def test_a_retry_that_no_run_has_recorded_is_inconclusive(after: Path) -> None:
    result = tried(failing(1), after, pool=Pool([record(healthy(2))]))
    assert (result.result, result.reason) == (Result.INCONCLUSIVE, "a model call with 2 messages was not recorded")


def test_only_a_retry_that_waits_as_long_as_it_was_told_is_a_repair(tmp_path: Path) -> None:
    run = record(failing(1))
    (call,) = run.model_calls
    assert call.error is not None
    limited = replace(call, error=replace(call.error, headers={"retry-after": "20"}), duration_ms=1.0)
    hasty = tuple(replace(limited, began_ms=1_000.0 + 10.0 * n) for n in range(3))
    case = Case(
        cassette=replace(run, model_calls=hasty),
        role=Role.FAILING,
        targets=frozenset({rate_limit(failing(1)).signature}),
    )
    sleeping = REPOSITORY["model.py"].replace("raise RateLimit", f"{WAIT}\n            raise RateLimit")
    arms = {
        "before": {"settings.py": settings(3) or ""},
        "more tries": {"settings.py": settings(9) or ""},
        "waits": {"settings.py": settings(3) or "", "model.py": sleeping},
    }
    folders = {name: write_repository(tmp_path / name, REPOSITORY | files) for name, files in arms.items()}
    bench = Bench(harness=HARNESS, sandbox=unisolated(), pool=Pool([record(healthy(1))]), detectors=DETECTORS)
    tried = {name: run_pair(case, bench, before=folders["before"], after=folders[name]) for name in folders}
    assert [pair.before.result for pair in tried.values()] == [Result.FAILED] * 3
    assert [pair.after.result for pair in tried.values()] == [Result.FAILED, Result.FAILED, Result.PASSED]


def test_what_was_not_recorded_is_asked_of_the_live_model(after: Path) -> None:
    result = tried(failing(1), after, live=ScriptedModel("Hello"))
    assert (result.result, result.n_live) == (Result.PASSED, 1)


def test_an_edit_that_only_asks_in_other_words_is_not_credited_with_the_luck_of_a_live_model(
    before: Path, tmp_path: Path
) -> None:
    placebo = write_repository(tmp_path / "placebo")
    apply_edits(placebo, [edit("settings.py", settings(1).replace("You help", "You gladly help"))])
    assert [result.result for result in paired(before, placebo)[:2]] == [Result.PASSED, Result.PASSED]


def test_an_edit_that_meets_the_recorded_error_is_compared_with_the_recording(before: Path, after: Path) -> None:
    assert [result.result for result in paired(before, after)[:2]] == [Result.FAILED, Result.PASSED]


def test_a_run_is_random_with_a_live_model_or_when_the_unedited_code_is(
    before: Path, after: Path, tmp_path: Path
) -> None:
    assert paired(before, after).again is not None
    assert paired(before, after, live=ScriptedModel("hello", is_steady=True)).again is None
    assert paired(before, after, live=None, pool=Pool([record(healthy(1))])).again is None
    fickle = write_repository(tmp_path / "fickle")
    code = (fickle / "agent.py").read_text()
    (fickle / "agent.py").write_text(code.replace("from settings import ATTEMPTS, SYSTEM\n", FICKLE))
    counted = tmp_path / "runs"
    counted.write_text("")
    (fickle / "settings.py").write_text(f"ATTEMPTS = 1\nSYSTEM = {SYSTEM!r}\nRUNS = {str(counted)!r}\n")
    pair = paired(fickle, fickle, live=None, pool=Pool([record(healthy(1))]))
    assert (pair.again is not None, {pair.before.result, pair.after.result}) == (True, {Result.PASSED, Result.FAILED})


def test_an_edit_that_answers_without_asking_the_model_mends_nothing(before: Path, tmp_path: Path) -> None:
    lazy = write_repository(tmp_path / "lazy")
    code = (lazy / "agent.py").read_text()
    shortcut = code.replace("def converse(turn):\n", 'def converse(turn):\n    return "Sorry, we are closed."\n')
    (lazy / "agent.py").write_text(shortcut)
    first, second, _ = paired(before, lazy)
    assert (first.result, second.result) == (Result.FAILED, Result.FAILED)
    assert "never asks the model" in second.reason
    guard = tried(healthy(1), lazy, role=Role.GUARD)
    assert guard.result is Result.FAILED


def test_a_healthy_run_that_no_longer_uses_its_tool_fails(tmp_path: Path) -> None:
    idle = write_repository(tmp_path / "idle")
    code = (idle / "agent.py").read_text()
    answer = code.replace('if not said.get("tool_calls"):', "if True:").replace('said["content"]', '"I see."')
    (idle / "agent.py").write_text(answer)
    result = tried(healthy(1), idle, role=Role.GUARD)
    assert (result.result, result.reason) == (
        Result.FAILED,
        "the run never calls get_order, as the recorded one did",
    )


def paired(before: Path, after: Path, *, live: LiveModel | None = HELLO, pool: Pool | None = None) -> Pair:
    trace = failing(1)
    case = Case(cassette=record(trace), role=Role.FAILING, targets=frozenset({rate_limit(trace).signature}))
    bench = Bench(harness=HARNESS, sandbox=unisolated(), pool=pool or Pool(), detectors=DETECTORS, live=live)
    return run_pair(case, bench, before=before, after=after)


def test_a_healthy_run_passes_with_its_recorded_tool_results(before: Path) -> None:
    result = tried(healthy(1), before, role=Role.GUARD)
    assert (result.result, result.n_recorded, result.n_pooled) == (Result.PASSED, 3, 0)


def test_a_run_of_a_tool_that_was_not_recorded_is_inconclusive(before: Path) -> None:
    trace = Recording("a" * 32, "Where?").calls("get_order", '{"id": 1}', None).answers("There.").trace
    result = tried(trace, before, role=Role.GUARD)
    assert result.result is Result.INCONCLUSIVE
    assert result.reason == "tool 'get_order' was not recorded with {'id': 1}"


def test_beside_a_live_model_the_harness_runs_its_own_tool(before: Path) -> None:
    trace = Recording("a" * 32, "Where?").calls("get_order", '{"id": 1}', None).trace
    result = tried(trace, before, role=Role.GUARD, live=ScriptedModel("There"))
    assert (result.result, result.n_recorded, result.n_live) == (Result.PASSED, 1, 2)


def test_a_healthy_run_that_crashes_after_the_edits_fails(after: Path) -> None:
    (after / "agent.py").write_text("raise SystemExit(3)")
    result = tried(healthy(1), after, role=Role.GUARD)
    assert (result.result, result.reason) == (Result.FAILED, "the replay command ended with exit status 3")


def test_a_run_that_exports_nothing_is_inconclusive(before: Path) -> None:
    (before / "agent.py").write_text("")
    assert tried(healthy(1), before, role=Role.GUARD).reason == "the run exported no spans (exit status 0)"


def test_a_failure_that_does_not_show_before_the_edits_is_inconclusive(after: Path) -> None:
    result = tried(failing(1), after, arm=Arm.BEFORE, pool=Pool([record(healthy(1))]))
    assert (result.result, result.reason[:14]) == (Result.INCONCLUSIVE, "not reproduced")


def test_a_run_that_people_rated_bad_fails_as_long_as_it_comes_to_the_same(before: Path) -> None:
    trace = healthy(1)
    disliked = replace(rate_limit(trace), detector="negative_feedback", key="user_feedback")
    result = run_case(
        record(trace),
        [disliked],
        role=Role.FAILING,
        arm=Arm.AFTER,
        checkout=before,
        harness=HARNESS,
        sandbox=unisolated(),
        pool=Pool(),
        detectors=DETECTORS,
    )
    assert (result.result, result.reason) == (Result.FAILED, "the run does and tells what was rated bad")


def test_a_run_that_never_ends_fails_at_its_time_limit(after: Path) -> None:
    (after / "agent.py").write_text("while True: pass")
    result = tried(healthy(1), after, role=Role.GUARD, harness=replace(HARNESS, timeout_s=0.5))
    assert (result.result, "did not end" in result.reason) == (Result.FAILED, True)


def test_the_openai_client_sees_the_recorded_429_and_the_answers(tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "r", {**REPOSITORY, "model.py": OPENAI_MODEL, "settings.py": settings(2)})
    assert tried(failing(1), folder, pool=Pool([record(healthy(1))])).result is Result.PASSED
    (folder / "settings.py").write_text(settings(1))
    assert (
        tried(failing(1), folder, pool=Pool([record(healthy(1))])).reason == "the failure shows: error RateLimitError"
    )


def test_the_checkout_that_is_tried_stays_as_it_was(before: Path) -> None:
    (before / "agent.py").write_text("open('left', 'w').write('x')")
    tried(healthy(1), before, role=Role.GUARD)
    assert not (before / "left").exists()


def test_a_cassette_survives_json() -> None:
    for trace in (healthy(1), failing(1)):
        cassette = record(trace)
        assert Cassette.from_json(json.loads(json.dumps(cassette.to_json()))) == cassette
