"""A model that says what it was told to say, and a small case for it to work on."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.errors import ModelError
from fixers.model import Reply
from fixers.sandbox import Completed
from webhooks.messages import ToolCall
from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

PARSER = """\
import json


def parse(arguments):
    return json.loads(arguments)
"""
TEST = """\
from shop.parser import parse


def test_empty_arguments_are_an_empty_object():
    assert parse("") == {}
"""


def calls(*pairs: tuple[str, Mapping[str, Any] | str], tokens: int = 100, cost_usd: float = 0.0) -> Reply:
    """Return a reply that calls tools; arguments given as text are sent as they are."""
    made = [
        ToolCall(id=f"c{n}", name=name, arguments=given if isinstance(given, str) else json.dumps(given))
        for n, (name, given) in enumerate(pairs)
    ]
    return Reply(tool_calls=tuple(made), input_tokens=tokens, output_tokens=0, cost_usd=cost_usd)


@dataclass
class ScriptedModel:
    """Gives its replies in order, then fails as a provider would."""

    replies: Sequence[Reply]
    seen: list[list[Mapping[str, Any]]] = field(default_factory=list)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        assert tools
        self.seen.append([dict(message) for message in messages])
        if len(self.seen) > len(self.replies):
            raise ModelError("the provider of scripted failed: 503 no more replies")
        return self.replies[len(self.seen) - 1]

    def answers(self) -> list[str]:
        """Return what the tools answered, as the model saw it last."""
        return [message["content"] for message in self.seen[-1] if message["role"] == "tool"]


@dataclass
class FakeSandbox:
    """Keeps what it was asked to run, and lets a test look into the folder."""

    completed: Completed = field(default_factory=lambda: ended(0))
    look: Callable[[Path], None] = lambda _: None
    commands: list[list[str]] = field(default_factory=list)
    name: str = "fake"

    def run(self, command: Sequence[str], *, cwd: Path, **_: object) -> Completed:
        self.commands.append(list(command))
        self.look(cwd)
        return self.completed


def ended(exit_status: int, stdout: str = "", *, timed_out: bool = False) -> Completed:
    return Completed(exit_status=exit_status, stdout=stdout, stderr="", timed_out=timed_out, duration_s=1.0)


def write_checkout(folder: Path) -> Path:
    checkout = folder / "checkout"
    for path, text in {"shop/parser.py": PARSER, "shop/__init__.py": "", "README.md": "# Shop\n"}.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    return checkout


def failing_trace(trace_id: str = "f" * 32, said: str = "Expecting value: line 1 column 1 (char 0)") -> Trace:
    stack = 'Traceback\n  File "/srv/app/shop/parser.py", line 5, in parse\njson.JSONDecodeError'
    raised = Event(
        name="exception",
        time=NOW,
        attributes={
            "exception.type": "JSONDecodeError",
            "exception.message": said,
            "exception.stacktrace": stack,
        },
    )
    root = _span(
        trace_id, "1" * 16, "support", {"openinference.span.kind": "AGENT", "input.value": "where is my order"}
    )
    tool = Span(
        trace_id=trace_id,
        span_id="2" * 16,
        parent_span_id="1" * 16,
        name="find_order",
        start=NOW + timedelta(seconds=1),
        status=StatusCode.ERROR,
        status_message=said,
        attributes={"openinference.span.kind": "TOOL", "tool.name": "find_order", "input.value": '{"id": "A\\n7"}'},
        events=(raised,),
    )
    return Trace.from_spans([root, tool])


def healthy_trace() -> Trace:
    return Trace.from_spans([_span("a" * 32, "3" * 16, "support", {"output.value": "It comes on Monday."})])


def failure(trace: Trace, message: str = "Expecting value: line 1 column 1 (char 0)") -> Failure:
    return Failure(
        trace_id=trace.trace_id,
        span_id="2" * 16,
        detector="error",
        key="JSONDecodeError",
        message=message,
        reason="An exception ended the span.",
        occurred_at=NOW,
        release="1.4",
    )


def failure_mode(**changes: object) -> FailureMode:
    values: dict[str, Any] = {
        "id": "fm-1",
        "title": "JSONDecodeError in find_order",
        "status": Status.NEW,
        "detector": "error",
        "key": "JSONDecodeError",
        "centroid": np.zeros(3, dtype=np.float32),
        "exemplars": (("f" * 32, "2" * 16),),
        "n_traces": 12,
        "n_sessions": 11,
        "n_users": 9,
        "first_seen": NOW,
        "last_seen": NOW + timedelta(days=1),
    }
    return FailureMode(**{**values, **changes})


def _span(trace_id: str, span_id: str, name: str, attributes: Mapping[str, Any]) -> Span:
    return Span(trace_id=trace_id, span_id=span_id, name=name, start=NOW, attributes=attributes)
