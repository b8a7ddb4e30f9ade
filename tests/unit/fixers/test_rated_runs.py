"""Runs that people rated bad: which edits are told from those that change nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clustering.detect import DETECTORS
from clustering.rule import Rule
from fixers.evidence import Arm, CaseResult, Result, Role
from fixers.replay.case import Bench, Case, run_pair
from fixers.replay.cassette import Cassette, ToolCall
from fixers.replay.from_traces import cases_of
from fixers.replay.own_tools import decided_by_recording, run_with_own_tools, shows_repair, tells_apart
from fixers.replay.pool import Pool
from fixers.replay.record import record
from fixers.replay.upshot import upshot_of_recording
from tests.unit.fixers.recorded_runs import (
    AGENT,
    HARNESS,
    REPOSITORY,
    Recording,
    healthy,
    rate_limit,
    settings,
    unisolated,
    write_repository,
)

RATED = frozenset({("negative_feedback", "user_feedback")})
PRICE = Recording("a" * 32, "What is it?").calls("get_order", '{"id": 1}', "real get_order").answers("It is so").trace


class Looking:
    """A steady live model that looks an order up and tells what it was told."""

    name = "looking"
    is_steady = True

    def complete(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        last = body["messages"][-1]
        call = {"id": "call-aaaa", "type": "function", "function": {"name": "get_order", "arguments": '{"id": 1}'}}
        message = {"role": "assistant", "content": f"It is {last['content']}"}
        if last["role"] == "user":
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return 200, {}, json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()


def bench(**fields: Any) -> Bench:  # noqa: ANN401  # any field
    parts = {"harness": HARNESS, "sandbox": unisolated(), "pool": Pool(), "detectors": DETECTORS, "live": Looking()}
    return Bench(**(parts | fields))


def repository(folder: Path, **files: str) -> Path:
    return write_repository(folder, {**REPOSITORY, **{name + ".py": text for name, text in files.items()}})


def rated(trace: Any = PRICE) -> Case:  # noqa: ANN401  # a trace
    return Case(cassette=record(trace), role=Role.FAILING, targets=RATED)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return repository(tmp_path / "before")


def test_an_edit_of_a_tool_shows_only_where_the_harness_runs_its_own(tmp_path: Path, before: Path) -> None:
    after = repository(tmp_path / "after", agent=AGENT.replace('"real " + name', '"another " + name'))
    pair = run_pair(rated(), bench(), before=before, after=after)
    assert (pair.before.result, pair.after.result) == (Result.FAILED, Result.FAILED)
    own = run_with_own_tools([rated()], bench(), before=before, after=after)
    assert own
    assert tells_apart(own)


def test_an_edit_that_changes_nothing_is_not_told_apart(tmp_path: Path, before: Path) -> None:
    after = repository(tmp_path / "after", agent=AGENT + "\n# in other words\n")
    own = run_with_own_tools([rated()], bench(), before=before, after=after)
    assert own
    assert not tells_apart(own)


def test_other_words_in_the_prompt_are_no_repair(tmp_path: Path, before: Path) -> None:
    after = repository(tmp_path / "after", settings=settings(1, system="You help."))
    pair = run_pair(rated(), bench(), before=before, after=after)
    assert (pair.before.result, pair.after.result) == (Result.FAILED, Result.FAILED)


def test_without_a_recorded_answer_nothing_is_said() -> None:
    assert upshot_of_recording(replace(record(PRICE), output=None, model_calls=())) is None


@pytest.mark.parametrize(
    ("answer", "result", "same"),
    [
        ("The total is 12.50 EUR.", "{}", True),
        ("So, in all: 12.50 EUR!", "{ }", True),
        ("The total is 13 EUR.", "{}", False),
        ("The total is 12.50 EUR.", '{"cents": 1}', False),
        ("", "{}", False),
    ],
)
def test_runs_come_to_the_same_by_their_tools_and_figures(answer: str, result: str, *, same: bool) -> None:
    def run(output: str, told: str) -> Cassette:
        call = ToolCall(name="price", arguments='{"id": 1}', result=told)
        return Cassette(trace_id="t", service="s", input="", model_calls=(), tool_calls=(call,), output=output)

    recorded = upshot_of_recording(run("The total is 12.50 EUR.", "{}"))
    assert (upshot_of_recording(run(answer, result)) == recorded) is same


def test_what_a_worse_failure_hid_is_not_held_against_the_edits() -> None:
    recording = Recording("b" * 32, "Where?")
    for tool, arguments in (("get_order", '{"id": 1}'), ("list_orders", '{"of": 2}'), ("get_order", '{"id": 1}')):
        recording.calls(tool, arguments, "the same")
    trace = recording.rate_limited().trace
    (case, _) = cases_of([trace], [healthy(1)], failures={trace.trace_id: [rate_limit(trace)]}, detectors=DETECTORS)
    assert ("no_progress", "get_order") in case.known
    assert not case.known & case.targets


def test_where_a_rule_is_kept_the_tool_that_it_asks_for_may_refuse() -> None:
    trace = healthy(1)
    broken = replace(rate_limit(trace), detector="policy", key="check-first")
    rules = [Rule(name="check-first", tool="pay", requires="check"), Rule(name="other", tool="pay", requires="weigh")]
    case, _ = cases_of([trace], [healthy(2)], failures={trace.trace_id: [broken]}, detectors=DETECTORS, policies=rules)
    assert ("tool_error", "check") in case.known
    assert ("tool_error", "weigh") not in case.known


def test_a_healthy_run_that_fails_by_chance_after_the_edits_is_tried_again(tmp_path: Path, before: Path) -> None:
    runs = tmp_path / "runs"
    once = f"open({str(runs)!r}, 'a').write('x')\nif len(open({str(runs)!r}).read()) == 1: raise SystemExit(3)\n"
    guard = Case(cassette=record(healthy(1)), role=Role.GUARD)
    flaky = repository(tmp_path / "flaky", agent=once + AGENT)
    pair = run_pair(guard, bench(live=None), before=before, after=flaky)
    assert pair.after.result is Result.FAILED
    assert pair.again
    assert [each.result for each in pair.again()] == [Result.PASSED, Result.PASSED]
    broken = repository(tmp_path / "broken", agent="raise SystemExit(3)\n")
    assert run_pair(guard, bench(live=None), before=before, after=broken).again is None


def test_what_recorded_results_decide_counts_for_nothing() -> None:
    failing = CaseResult(trace_id="t", role=Role.FAILING, arm=Arm.AFTER, result=Result.FAILED, reason="")
    guard = replace(failing, role=Role.GUARD)
    assert [each.result for each in decided_by_recording([failing, guard])] == [Result.INCONCLUSIVE, Result.FAILED]


@pytest.mark.parametrize(("result", "told"), [(Result.PASSED, True), (Result.FAILED, False)])
def test_a_repair_shows_in_a_failing_run_after_the_edits(result: Result, *, told: bool) -> None:
    case = CaseResult(trace_id="t", role=Role.FAILING, arm=Arm.AFTER, result=result, reason="")
    assert shows_repair([replace(case, arm=Arm.BEFORE, result=Result.PASSED), case]) is told


@pytest.mark.parametrize("status", [429, 503])
def test_a_live_provider_that_is_busy_speaks_neither_for_nor_against_the_edits(before: Path, status: int) -> None:
    class Busy(Looking):
        def complete(self, _: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
            return status, {}, b"{}"

    case = Case(cassette=replace(record(PRICE), model_calls=()), role=Role.GUARD)
    pair = run_pair(case, bench(live=Busy()), before=before, after=before)
    assert pair.before.result is Result.INCONCLUSIVE
    assert str(status) in pair.before.reason
