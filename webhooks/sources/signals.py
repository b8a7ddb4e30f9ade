"""Read what webhooks tell about runs: feedback, annotations, alerts. No I/O.

A signal about a trace becomes an evaluation event of its span, as feedback does that an SDK sends. A signal about no
trace, such as "the cost of today is high", is kept under its source and counted.

Each is kept as `{"source", "id", "received_at", "event"}`, with the event as it was sent.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from webhooks.attributes import first_text, mapping, number, text
from webhooks.errors import Undecodable
from webhooks.iso_time import read_time
from webhooks.json_body import read_object, write_json
from webhooks.otlp_fields import shown
from webhooks.trace import RESPONSE, ROOT, SIGNAL, Event, Span

FAILED = "fail"
ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    name: str
    #: Empty for a signal about no trace.
    trace_id: str = ""
    #: The span that it is about, ROOT, or RESPONSE with the id of a model's answer.
    about: str = ROOT
    time: datetime | None = None
    score: float | None = None
    label: str | None = None
    explanation: str | None = None


def wrapped(body: bytes, *, source: str, delivery: str, received_at: str) -> bytes:
    """Return a webhook's body with what the request says outside of it.

    Parameters
    ----------
    delivery
        The id under which the sender repeats it; empty where the event's own `id` is that.

    """
    event = read_object(body, name="a webhook")
    named = delivery or text(event.get("id")) or hashlib.sha256(body).hexdigest()
    return write_json({"source": source, "id": named, "received_at": received_at, "event": event})


def decode(body: bytes) -> list[Span]:
    """Return the signal of a kept webhook as the record of a span.

    Raises
    ------
    Undecodable
        When the body is no kept webhook.

    """
    kept = read_object(body, name="a webhook")
    source, event, received_at = text(kept.get("source")) or "", mapping(kept.get("event")), kept.get("received_at")
    reader, arrived = READERS.get(source), read_time(received_at)
    if reader is None or arrived is None:
        raise Undecodable(f"a webhook of source {shown(source)} that arrived at {shown(received_at)}")
    signal = reader(event)
    return [_span(signal, source=source, identity=text(kept.get("id")) or "", time=signal.time or arrived)]


def _span(signal: _Signal, *, source: str, identity: str, time: datetime) -> Span:
    said = {
        "gen_ai.evaluation.name": signal.name,
        "gen_ai.evaluation.score.value": signal.score,
        "gen_ai.evaluation.score.label": signal.label,
        "gen_ai.evaluation.explanation": signal.explanation,
    }
    attributes = {key: value for key, value in said.items() if value is not None}
    answer = signal.about if signal.about.startswith(RESPONSE) else ""
    tied = bool(signal.trace_id or answer)
    return Span(
        trace_id=signal.trace_id or answer or f"{SIGNAL}{source}",
        span_id=f"{source}/{hashlib.sha256(identity.encode(errors='replace')).hexdigest()[:32]}",
        name="" if tied else signal.name,
        start=time,
        events=(Event(name="gen_ai.evaluation.result", time=time, attributes=attributes),),
        scope=source,
        completes=signal.about if tied else None,
    )


def _standard(event: Mapping[str, Any]) -> _Signal:
    """Read our own: `{"type", "timestamp", "data": {trace_id | response_id, span_id, name, score, label, comment}}`."""
    data, kind = mapping(event.get("data")), text(event.get("type")) or "signal"
    score, label = data.get("score"), first_text(data, ("label", "value"))
    answer = text(data.get("response_id"))
    alerts = kind.startswith(ALERT) and score is None and label is None
    return _Signal(
        name=text(data.get("name")) or kind,
        trace_id=_trace_id(data.get("trace_id")),
        about=text(data.get("span_id")) or (f"{RESPONSE}{answer}" if answer else ROOT),
        time=read_time(event.get("timestamp")),
        score=float(score) if isinstance(score, bool) else number(score),
        label=FAILED if alerts else label,
        explanation=first_text(data, ("comment", "explanation", "message")),
    )


def _langsmith(event: Mapping[str, Any]) -> _Signal:
    """Read an event of LangSmith's Engine: an issue that it found, and often a run that shows it."""
    data, kind = mapping(event.get("data")), text(event.get("type")) or "issue"
    issue, trace = mapping(data.get("object")), mapping(data.get("trace"))
    run_id = _trace_id(trace.get("run_id"))
    trace_id = _trace_id(trace.get("trace_id")) or run_id
    return _Signal(
        name=text(issue.get("name")) or kind,
        trace_id=trace_id,
        about=run_id if run_id and run_id != trace_id else ROOT,
        time=read_time(event.get("created")),
        label=FAILED,
        explanation=text(trace.get("comment")) or text(issue.get("description")),
    )


def _langfuse(event: Mapping[str, Any]) -> _Signal:
    """Read an event of Langfuse: a prompt's new version, or a monitor's alert; neither names a trace."""
    kind = text(event.get("type")) or "event"
    about = first_text(mapping(event.get("prompt")) or mapping(event.get("data")) or event, ("name", "title"))
    return _Signal(name=f"{kind}: {about}" if about else kind, time=read_time(event.get("timestamp")))


def _trace_id(value: object) -> str:
    """Return an id as its trace has it: a UUID without its hyphens, any other as it is; empty for none."""
    found = text(value) or ""
    try:
        return UUID(found).hex
    except ValueError:
        return found


READERS: Mapping[str, Callable[[Mapping[str, Any]], _Signal]] = {
    "standard": _standard,
    "langsmith": _langsmith,
    "langfuse": _langfuse,
}
