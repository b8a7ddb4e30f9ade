"""Failing runs as recipes see them: a failure, and the trace that it is of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.recipes.recipe import Seen
from webhooks.trace import Span, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def mode_of(detector: str, key: str = "") -> FailureMode:
    return FailureMode(
        id="m1", title="", status=Status.NEW, detector=detector, key=key, centroid=np.zeros(2, np.float32),
        exemplars=(), n_traces=1, n_sessions=1, n_users=1, first_seen=NOW, last_seen=NOW,
    )  # fmt: skip


def failure_of(detector: str, key: str, message: str = "") -> Failure:
    return Failure(trace_id="t1", span_id="s0", detector=detector, key=key, message=message, reason="", occurred_at=NOW)


def failed_with(key: str, message: str = "", *, seconds: float = 1.0) -> Seen:
    """Return a run that one error ended, at the end of a request of this length."""
    span = Span(trace_id="t1", span_id="s0", name="chat", start=NOW, end=NOW + timedelta(seconds=seconds))
    return Seen(failures=[failure_of("error", key, message)], traces={"t1": Trace.from_spans([span])})


def asked_with(detector: str, key: str = "", *, said: str = "", **request: Any) -> Seen:  # noqa: ANN401 - JSON
    """Return a run whose only request has these settings, and its answer these words."""
    messages: Sequence[dict[str, Any]] = request.pop("messages", [{"role": "user", "content": "hello"}])
    attributes: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.invocation_parameters": request,
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": said,
    }
    for index, message in enumerate(messages):
        for name, value in message.items():
            attributes[f"llm.input_messages.{index}.message.{name}"] = value
    span = Span(trace_id="t1", span_id="s0", name="chat", start=NOW, end=NOW, attributes=attributes)
    return Seen(failures=[failure_of(detector, key)], traces={"t1": Trace.from_spans([span])})
