"""Read the scores that Langfuse's SDKs send beside their OTLP traces. No I/O.

Versions 3 and 4 send `{"batch": [{"type": "score-create", "timestamp", "body": score}]}`, version 5 `[score]`; either
is kept as it came. A score is an evaluation event of its observation, or of the trace's root.

https://langfuse.com/docs/api-and-data-platform/features/public-api
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from webhooks.attributes import number, text
from webhooks.iso_time import RECEIVED_AT, read_time
from webhooks.json_body import objects, read_json, write_json
from webhooks.otlp_fields import shown
from webhooks.trace import ROOT, Event, Span

SCORE_EVENT = "score-create"


class Outcome(NamedTuple):
    """What became of one item of a request."""

    id: str
    #: Empty when the item was accepted.
    error: str


def decode(body: bytes) -> list[Span]:
    """Return the scores of a request as records that complete their observations; what cannot be read is left out.

    Raises
    ------
    Undecodable
        When the body holds no list of items.

    """
    return [span for item in _items(body) if isinstance(span := _read(item), Span)]


def outcomes(body: bytes) -> list[Outcome]:
    """Return what `decode` made of each item, in order: Langfuse answers for each of them."""
    found = ((text(item.get("id")) or "", _read(item)) for item in _items(body))
    return [Outcome(item_id, "" if isinstance(read, Span) else read) for item_id, read in found]


def stamped(body: bytes, received_at: str) -> bytes:
    """Return the scores with the time of their arrival in those that say no time."""
    found = read_json(body, name="Langfuse scores")
    if not isinstance(found, list):  # events of a batch have a timestamp; a single score of the REST API may not
        found = found if isinstance(found, dict) and "batch" in found else [found]
    if isinstance(found, list):
        found = [{RECEIVED_AT: received_at, **item} if isinstance(item, dict) else item for item in found]
    return write_json(found)


def _items(body: bytes) -> list[dict[str, Any]]:
    found = read_json(body, name="Langfuse scores")
    return objects(found.get("batch") if isinstance(found, dict) else found, name="Langfuse scores")


def _read(item: Mapping[str, Any]) -> Span | str:
    """Return the record of an item, or why there is none."""
    wrapped = item.get("body")
    if isinstance(wrapped, dict) and item.get("type") != SCORE_EVENT:
        return f"only {SCORE_EVENT} events are read here, not {shown(item.get('type'))}"
    score = wrapped if isinstance(wrapped, dict) else {key: item[key] for key in item if key != RECEIVED_AT}
    times = (score.get("timestamp"), item.get("timestamp"), item.get(RECEIVED_AT))
    time = next((found for value in times if (found := read_time(value))), None)
    trace_id, name = text(score.get("traceId")), text(score.get("name"))
    if not trace_id or not name or time is None:
        return "a score needs traceId, name and a time"
    span_id = text(score.get("observationId")) or ROOT
    evaluation = Event(name="gen_ai.evaluation.result", time=time, attributes=_evaluation(name, score))
    return Span(
        trace_id=trace_id,
        span_id=f"{span_id}/score-{_digest(score)}",
        name="",
        start=time,
        events=(evaluation,),
        scope="langfuse",
        completes=span_id,
    )


def _evaluation(name: str, score: Mapping[str, Any]) -> dict[str, Any]:
    value = score.get("value")
    found = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": float(value) if isinstance(value, bool) else number(value),
        "gen_ai.evaluation.score.label": value if isinstance(value, str) else text(score.get("stringValue")),
        "gen_ai.evaluation.explanation": text(score.get("comment")),
    }
    return {key: item for key, item in found.items() if item is not None}


def _digest(score: Mapping[str, Any]) -> str:
    return hashlib.sha256(write_json(score, sort=True)).hexdigest()[:16]
