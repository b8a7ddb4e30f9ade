import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixers.agent import AgentRun, run_agent
from fixers.assignment import Assignment
from fixers.code_index import CodeIndex
from fixers.errors import ModelError
from fixers.harness import Harness
from fixers.model import Model, Reply
from fixers.sandbox import Unisolated
from tests.recorded_model import RecordedModel
from tests.unit.fixers.red_green import DIAGNOSIS
from tests.unit.fixers.scripted_model import (
    TEST,
    ScriptedModel,
    calls,
    failing_trace,
    failure,
    failure_mode,
    healthy_trace,
    write_checkout,
)

TOOLS = [{"type": "function", "function": {"name": "read_trace"}}]


def record(folder: Path, number: int, messages: list[dict[str, object]], reply: dict[str, object]) -> None:
    (folder / f"{number:04d}.request.json").write_text(json.dumps({"messages": messages, "tools": TOOLS, "model": "m"}))
    (folder / f"{number:04d}.reply.json").write_text(json.dumps(reply))


def asks(trace_id: str, *, second: int = 7, call_id: str = "c1", tail: str = "") -> list[dict[str, object]]:
    call = {"id": call_id, "type": "function", "function": {"name": "read_trace", "arguments": "{}"}}
    return [
        {"role": "user", "content": f"trace {trace_id} at 2026-01-01T10:00:0{second}Z{tail}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": f"1 failed in 0.{second}s"},
    ]


def test_a_request_that_differs_in_ids_and_times_is_answered_in_its_own_ids(tmp_path: Path) -> None:
    wish = {"name": "read_trace", "arguments": {"trace_id": "a" * 32}}
    record(tmp_path, 1, asks("a" * 32), {"content": None, "tool_calls": [wish]})
    (call,) = RecordedModel(tmp_path).complete(asks("b" * 32, second=9, call_id="x"), TOOLS).tool_calls
    assert (call.name, json.loads(call.arguments)) == ("read_trace", {"trace_id": "b" * 32})


def test_a_request_that_was_not_recorded_fails_with_the_difference(tmp_path: Path) -> None:
    record(tmp_path, 1, asks("a" * 32), {"content": "hello"})
    with pytest.raises(ModelError, match=r"nearest is 0001.request.json; part 0 differs: .* and more"):
        RecordedModel(tmp_path).complete(asks("a" * 32, tail=" and more"), TOOLS)


def test_only_when_told_to_it_goes_on_in_order(tmp_path: Path) -> None:
    for number in (1, 2):
        record(tmp_path, number, asks("a" * 32, tail=f" {number}"), {"content": f"reply {number}"})
    model = RecordedModel(tmp_path, in_order=True)
    assert [model.complete(asks("a" * 32, tail=" new"), TOOLS).content for _ in range(2)] == ["reply 1", "reply 2"]
    with pytest.raises(ModelError):
        model.complete(asks("a" * 32, tail=" new"), TOOLS)


def test_a_request_that_was_made_twice_gets_its_replies_in_turn(tmp_path: Path) -> None:
    for number in (1, 2):
        record(tmp_path, number, asks("a" * 32), {"content": f"reply {number}"})
    model = RecordedModel(tmp_path)
    assert [model.complete(asks("a" * 32), TOOLS).content for _ in range(2)] == ["reply 1", "reply 2"]


@dataclass
class Recorder:
    """Writes down what another model is asked and says."""

    model: ScriptedModel
    folder: Path

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        reply = self.model.complete(messages, tools)
        wishes = [{"name": call.name, "arguments": call.arguments} for call in reply.tool_calls]
        number = len(self.model.seen)
        body = json.dumps({"messages": messages, "tools": tools})
        (self.folder / f"{number:04d}.request.json").write_text(body)
        (self.folder / f"{number:04d}.reply.json").write_text(json.dumps({"content": None, "tool_calls": wishes}))
        return reply


def fix(model: Model, folder: Path, trace_id: str) -> AgentRun:
    trace, checkout = failing_trace(trace_id), write_checkout(folder)
    assignment = Assignment(
        mode=failure_mode(exemplars=((trace_id, "2" * 16),)),
        failures=[failure(trace)],
        traces={trace_id: trace},
        healthy=[healthy_trace()],
        diagnosis=DIAGNOSIS,
        checkout=checkout,
        index=CodeIndex.of(checkout),
        harness=Harness(name="shop"),
        base_sha="b" * 40,
    )
    return run_agent(
        model,
        assignment,
        sandbox=Unisolated(python=Path(sys.executable)),
        may_edit=lambda _: None,
    )


def test_a_whole_run_of_the_agent_is_replayed_on_another_trace_of_the_same_failure(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("record", "first", "second")]
    for folder in folders:
        folder.mkdir()
    old, new = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    edit = ("edit_file", {"path": "shop/parser.py", "old": "loads(arguments)", "new": 'loads(arguments or "{}")'})
    test = ("edit_file", {"path": "tests/test_parser.py", "old": "", "new": TEST})
    command = ("run", {"command": ["python", "-m", "pytest", "-q", "tests"]})
    texts = dict.fromkeys(("cause", "rationale", "risk"), "words")
    quotes = [{"trace_id": old, "span_id": "2" * 16, "text": "Expecting value"}]
    rest = {"title": "Mend it", "layer": "tool code", "quotes": quotes, "regression_test": "tests/test_parser.py"}
    look = ("read_trace", {"trace_id": old})
    script = [
        calls(("list_traces", {}), look),
        calls(test, command),
        calls(edit, command),
        calls(("submit", texts | rest)),
    ]
    first = fix(Recorder(ScriptedModel(script), folders[0]), folders[1], old)
    second = fix(RecordedModel(folders[0]), folders[2], new)
    assert first.proposal is not None
    assert second.proposal is not None, second.reason
    assert second.proposal.edits == first.proposal.edits
    assert second.proposal.diagnosis.quotes[0].trace_id == new
