"""Diagnoses without a model."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.code_index import CodeIndex
from fixers.diagnose import diagnose, quote_exists
from fixers.diagnosis import Layer, Location, Quote
from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STACK = 'Traceback\n  File "/srv/app/shop/agent.py", line 12, in run\n  File "/lib/site-packages/openai/x.py", line 9\n'


def mode_of(detector: str, key: str) -> FailureMode:
    return FailureMode(
        id="m1", title="", status=Status.NEW, detector=detector, key=key, centroid=np.zeros(2, np.float32),
        exemplars=(), n_traces=1, n_sessions=1, n_users=1, first_seen=NOW, last_seen=NOW,
    )  # fmt: skip


def failure_of(detector: str, key: str, message: str = "") -> Failure:
    return Failure(trace_id="t1", span_id="s1", detector=detector, key=key, message=message, reason="", occurred_at=NOW)


def trace_of(events: tuple[Event, ...] = (), **attributes: object) -> Trace:
    span = Span(
        trace_id="t1",
        span_id="s1",
        name="step",
        start=NOW,
        status=StatusCode.ERROR,
        attributes=attributes,
        events=events,
    )
    return Trace.from_spans([span])


def exception(stack: str = STACK) -> Event:
    attributes = {
        "exception.type": "RateLimitError",
        "exception.message": "Error code: 429",
        "exception.stacktrace": stack,
    }
    return Event(name="exception", time=NOW, attributes=attributes)


def checkout(root: Path, **files: str) -> CodeIndex:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py").replace("_md", ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return CodeIndex.of(root)


def test_the_innermost_frame_in_the_repository_is_the_location(tmp_path: Path) -> None:
    root = checkout(tmp_path, shop__agent_py="", openai__x_py="")
    found = diagnose(
        mode_of("error", "RateLimitError"),
        [failure_of("error", "RateLimitError")],
        {"t1": trace_of((exception(),))},
        root,
    )
    assert (found.location, found.layer) == (Location(path="shop/agent.py", line=12), Layer.LIFECYCLE)


def test_quotes_stand_in_their_span() -> None:
    trace = trace_of((exception(),))
    found = diagnose(
        mode_of("error", "RateLimitError"),
        [failure_of("error", "RateLimitError", "Error code: 429")],
        {"t1": trace},
        CodeIndex({}),
    )
    assert found.quotes == (Quote(trace_id="t1", span_id="s1", text="Error code: 429"),)
    assert quote_exists(trace, found.quotes[0])
    assert not quote_exists(trace, Quote(trace_id="t1", span_id="s1", text="Error code: 500"))
    assert not quote_exists(trace, Quote(trace_id="t1", span_id="s2", text="Error code: 429"))


def test_a_message_that_no_span_holds_is_not_quoted() -> None:
    found = diagnose(mode_of("policy", "x"), [failure_of("policy", "x", "made up")], {"t1": trace_of()}, CodeIndex({}))
    assert found.quotes == ()


def test_code_attributes_are_read(tmp_path: Path) -> None:
    root = checkout(tmp_path, shop__tools_py="")
    trace = trace_of(**{"code.file.path": "shop/tools.py", "code.line.number": 7})
    found = diagnose(mode_of("tool_error", "pay"), [failure_of("tool_error", "pay")], {"t1": trace}, root)
    assert found.location == Location(path="shop/tools.py", line=7)


def test_a_tool_is_found_by_its_name(tmp_path: Path) -> None:
    root = checkout(tmp_path, tools_py="\n\ndef pay(amount):\n    pass\n")
    trace = trace_of(**{"openinference.span.kind": "TOOL", "tool.name": "pay"})
    found = diagnose(mode_of("tool_error", "pay"), [failure_of("tool_error", "pay")], {"t1": trace}, root)
    assert found.location == Location(path="tools.py", line=3)


def test_a_prompt_is_found_by_its_text(tmp_path: Path) -> None:
    text = "You are the support agent of a shop.\nAlways check who is asking before you pay money back.\n"
    root = checkout(tmp_path, prompts__system_md="# Prompt\n" + text, other_md="You are")
    attributes: dict[str, object] = {
        "openinference.span.kind": "LLM",
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": text,
    }
    found = diagnose(mode_of("policy", "x"), [failure_of("policy", "x")], {"t1": trace_of(**attributes)}, root)
    assert found.location == Location(path="prompts/system.md", line=1) or found.location == Location(
        path="prompts/system.md", line=2
    )
    assert found.layer is Layer.PROMPT


@pytest.mark.parametrize("stack", ["", 'File "../../../etc/passwd", line 1', 'File "agent.py", line 99999999999999'])
def test_strange_stacks_lead_nowhere(stack: str, tmp_path: Path) -> None:
    root = checkout(tmp_path, shop__agent_py="")
    found = diagnose(mode_of("error", "X"), [failure_of("error", "X")], {"t1": trace_of((exception(stack),))}, root)
    assert found.location is None


def test_a_hostile_key_becomes_plain_words() -> None:
    key = "X`](http://evil) {0.__class__} <script>"
    found = diagnose(mode_of("error", key), [failure_of("error", key)], {}, CodeIndex({}))
    assert not set("`[]<>(){}/") & set(found.cause)


def test_what_was_lost_on_its_way_says_which_layer_a_bad_rating_is_about() -> None:
    call = {"openinference.span.kind": "LLM", "llm.input_messages.0.message.role": "user"}
    bad = trace_of(**call, **{"llm.input_messages.0.message.content": "Hello"})
    good = trace_of(**(call | {"llm.input_messages.0.message.role": "system"}))
    rated = failure_of("negative_feedback", "thumb")
    found = diagnose(mode_of("negative_feedback", "thumb"), [rated], {"t1": bad}, CodeIndex.over({}), healthy=[good])
    assert found.layer is Layer.CONTEXT
    assert "the model is not sent the system prompt" in found.cause
    alike = diagnose(mode_of("negative_feedback", "thumb"), [rated], {"t1": bad}, CodeIndex.over({}), healthy=[bad])
    assert alike.layer is Layer.PROMPT
