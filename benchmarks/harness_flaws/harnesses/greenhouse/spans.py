"""Spans as OTLP/JSON, without an SDK: collected per conversation and sent when it ends."""

import json
import os
import time
import traceback
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

_current = ContextVar("span", default=None)
_finished = []


class Span:
    def __init__(self, name, attributes, parent=None):
        self.trace_id = parent.trace_id if parent else os.urandom(16).hex()
        self.span_id, self.parent_id, self.name = os.urandom(8).hex(), parent.span_id if parent else "", name
        self.attributes, self.events, self.status = dict(attributes), [], {}
        self.start = time.time_ns()

    def output(self, text):
        self.attributes["output.value"] = text

    def failed(self, error):
        self.status = {"code": 2, "message": str(error)}
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        trail = "".join(traceback.format_exception(error))
        told = {"exception.type": kind, "exception.message": str(error), "exception.stacktrace": trail}
        self.event("exception", told)

    def event(self, name, attributes):
        self.events.append({"name": name, "timeUnixNano": str(time.time_ns()), "attributes": _pairs(attributes)})

    def end(self):
        _finished.append(
            {
                "traceId": self.trace_id,
                "spanId": self.span_id,
                "parentSpanId": self.parent_id,
                "name": self.name,
                "kind": 1,
                "startTimeUnixNano": str(self.start),
                "endTimeUnixNano": str(time.time_ns()),
                "attributes": _pairs(self.attributes),
                "events": self.events,
                "status": self.status,
            }
        )


@contextmanager
def _span(name, attributes):
    span = Span(name, attributes, _current.get())
    token = _current.set(span)
    try:
        yield span
    except Exception as error:
        span.failed(error)
        raise
    finally:
        _current.reset(token)
        span.end()


@contextmanager
def conversation(turns, session, user):
    asked = json.dumps({"turns": list(turns), "user": user})
    attributes = {"openinference.span.kind": "AGENT", "input.value": asked, "session.id": session, "user.id": user}
    try:
        with _span("keeper.talk", attributes) as span:
            yield span
    finally:
        send()


def model_call(body):
    return _span("chat", {"openinference.span.kind": "LLM", "input.value": json.dumps(body)})


def tool(call_id, name, arguments):
    attributes = {"openinference.span.kind": "TOOL", "tool.name": name, "tool_call.id": call_id}
    return _span(name, {**attributes, "input.value": json.dumps(arguments)})


def rate(about, helpful, comment):
    span = Span("gardener_rating", {}, about)
    label = "thumbs_up" if helpful else "thumbs_down"
    told = {"gen_ai.evaluation.name": "gardener_rating", "gen_ai.evaluation.score.label": label}
    span.event("gen_ai.evaluation.result", told | ({"gen_ai.evaluation.explanation": comment} if comment else {}))
    span.end()
    send()


def send():
    """Send what is finished to OTEL_EXPORTER_OTLP_ENDPOINT; without one, forget it."""
    batch = list(_finished)
    _finished.clear()
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not endpoint or not batch:
        return
    resource = {"attributes": _pairs({"service.name": "greenhouse-keeper", "service.version": "0.9"})}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "spans"}, "spans": batch}]}]}
    httpx.post(f"{endpoint}/v1/traces", json=body, timeout=10)


def _pairs(attributes):
    return [{"key": key, "value": {"stringValue": str(value)}} for key, value in attributes.items()]
