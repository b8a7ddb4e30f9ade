"""A run of an agent, built span by span, and an encoder that needs no weights."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from clustering.failure import Failure
from webhooks.trace import Event, Span, StatusCode, Trace

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
RATE_LIMIT = ("openai.RateLimitError", "Error code: 429 - Rate limit reached")


class Run:
    """One conversation as openinference-instrumentation-openai and an agent with tool spans export it."""

    def __init__(self, trace_id: str = "a" * 32) -> None:
        self.trace_id = trace_id
        self.spans: list[Span] = []
        self.seconds = 0

    def agent(self, *, answer: str | None = "Done.", error: tuple[str, str] | None = None, **fields: object) -> Span:
        attributes = {
            "openinference.span.kind": "AGENT",
            "input.value": '{"turns": ["Hello"]}',
            "session.id": "s-1",
            "user.id": "u-1",
        }
        if answer is not None:
            attributes["output.value"] = answer
        return self.add("conversation", attributes, error=error, parent=None, **fields)

    def llm(
        self,
        *messages: tuple[str, str],
        finish: str = "stop",
        calls: Sequence[tuple[str, str]] = (),
        error: tuple[str, str] | None = None,
        **fields: object,
    ) -> Span:
        """Add a chat call; `messages` are (role, content), or (call id, content) for a tool's answer."""
        attributes: dict[str, object] = {"openinference.span.kind": "LLM", "llm.finish_reason": finish}
        for i, (role, content) in enumerate(messages or [("system", "Be kind."), ("user", "Hello")]):
            prefix = f"llm.input_messages.{i}.message"
            answers = role not in {"system", "user", "assistant"}
            attributes[f"{prefix}.role"] = "tool" if answers else role
            attributes[f"{prefix}.content"] = content
            if answers:
                attributes[f"{prefix}.tool_call_id"] = role
        for i, (call_id, name) in enumerate(calls):
            prefix = f"llm.output_messages.0.message.tool_calls.{i}.tool_call"
            attributes |= {
                f"{prefix}.id": call_id,
                f"{prefix}.function.name": name,
                f"{prefix}.function.arguments": "{}",
            }
        return self.add("ChatCompletion", attributes, error=error, **fields)

    def tool(
        self,
        name: str = "get_order",
        result: str | None = '{"status": "shipped"}',
        *,
        arguments: object = None,
        call_id: str = "",
        error: tuple[str, str] | None = None,
        **fields: object,
    ) -> Span:
        attributes: dict[str, object] = {"openinference.span.kind": "TOOL", "tool.name": name}
        attributes["input.value"] = json.dumps(arguments if arguments is not None else {})
        if result is not None:
            attributes["output.value"] = result
        if call_id:
            attributes["tool_call.id"] = call_id
        return self.add(name, attributes, error=error, **fields)

    def feedback(self, score: float, *, label: str = "", words: str = "", name: str = "user_feedback") -> Span:
        attributes = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.value": score}
        attributes |= {"gen_ai.evaluation.score.label": label, "gen_ai.evaluation.explanation": words}
        event = Event(name="gen_ai.evaluation.result", time=START, attributes=attributes)
        return self.add("user_feedback", {}, events=(event,))

    def add(
        self,
        name: str,
        attributes: dict[str, object],
        *,
        error: tuple[str, str] | None = None,
        stacktrace: str = "",
        parent: str | None = "01",
        events: tuple[Event, ...] = (),
        **fields: object,
    ) -> Span:
        self.seconds += 2
        start = START + timedelta(seconds=self.seconds)
        if error:
            raised = {"exception.type": error[0], "exception.message": error[1], "exception.stacktrace": stacktrace}
            events = (*events, Event(name="exception", time=start, attributes=raised))
            fields = {"status": StatusCode.ERROR, "status_message": f"{error[0]}: {error[1]}"} | fields
        span = Span(
            trace_id=self.trace_id,
            span_id=f"{len(self.spans) + 1:02x}",
            parent_span_id=parent,
            name=name,
            start=start,
            end=start + timedelta(seconds=1),
            attributes=attributes,
            events=events,
            resource={"service.name": "shop", "service.version": "1.2"},
            **fields,
        )
        self.spans.append(span)
        return span

    @property
    def trace(self) -> Trace:
        return Trace.from_spans(self.spans)


class WordEncoder:
    """Hashes each word to a direction: texts with the same words are near. Counts what it is asked for."""

    name = "words"
    n_features = 64

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> npt.NDArray[np.float32]:
        total = np.zeros(self.n_features)
        for word in text.split() or [""]:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
            total += np.random.default_rng(seed).normal(size=self.n_features)
        return (total / np.linalg.norm(total)).astype(np.float32)


def make_failure(n: int = 1, *, detector: str = "error", key: str = "ValueError", **fields: object) -> Failure:
    """Build the n-th failure: n decides its trace and its time."""
    values: dict[str, object] = {
        "trace_id": f"t{n}",
        "span_id": "01",
        "detector": detector,
        "key": key,
        "message": "something is wrong",
        "reason": f"{key} in agent.py:run ends the conversation.",
        "occurred_at": START + timedelta(minutes=n),
        "session_id": f"s{n}",
        "user_id": f"u{n % 2}",
    }
    return Failure(**values | fields)
