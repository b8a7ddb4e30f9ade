import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from webhooks.trace import ROOT, Event, Span, StatusCode, Trace

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def record(span_id: str, second: int = 0, **fields: Any) -> Span:  # noqa: ANN401  # passed on
    return Span(**{"trace_id": "t", "span_id": span_id, "name": "", "start": at(second), **fields})


def thumb(second: int) -> Event:
    return Event(name="gen_ai.evaluation.result", time=at(second))


POST = record("run/post", name="agent", completes="run", attributes={"in": 1, "out": None}, parent_span_id="p")
PATCH = record("run/patch", end=at(5), completes="run", attributes={"out": 2}, status=StatusCode.ERROR)
THUMB = record("run/thumb", 9, completes="run", events=(thumb(9),))


def test_records_of_a_span_unite_in_whatever_order_they_come() -> None:
    for given in itertools.permutations([POST, PATCH, THUMB]):
        [span] = Trace.from_spans(given).spans
        assert (span.span_id, span.name, span.parent_span_id, span.completes) == ("run", "agent", "p", None)
        assert (span.start, span.end, span.status) == (NOON, at(5), StatusCode.ERROR)
        assert (span.attributes, span.events) == ({"in": 1, "out": 2}, (thumb(9),))


def test_the_update_that_ended_later_is_right() -> None:
    later = record("run/z", end=at(7), completes="run", attributes={"out": 3})
    assert Trace.from_spans([later, PATCH, POST]).spans[0].attributes["out"] == 3


def test_a_record_completes_a_span_that_came_whole() -> None:
    whole = record("run", name="chat", end=at(1), attributes={"in": 1})
    [span] = Trace.from_spans([THUMB, whole]).spans
    assert (span.name, span.end, span.attributes, span.events) == ("chat", at(1), {"in": 1}, (thumb(9),))


def test_feedback_on_a_trace_is_feedback_on_its_root() -> None:
    feedback = record("root/1", 9, completes=ROOT, events=(thumb(9),))
    trace = Trace.from_spans([feedback, record("b", 1, parent_span_id="a"), record("a")])
    assert [(span.span_id, len(span.events)) for span in trace.spans] == [("a", 1), ("b", 0)]


def test_feedback_that_comes_before_its_trace_is_kept() -> None:
    trace = Trace.from_spans([record("root/1", 9, completes=ROOT, events=(thumb(9),))])
    assert trace.root.events == (thumb(9),)


def test_every_record_counts_though_the_span_is_one() -> None:
    trace = Trace.from_spans([POST, PATCH, THUMB, record("other")])
    assert (len(trace.spans), trace.n_records) == (2, 4)


def test_an_event_that_two_records_repeat_comes_once() -> None:
    again = record("run/thumb-2", 9, completes="run", events=(thumb(9),))
    assert len(Trace.from_spans([THUMB, again]).spans[0].events) == 1
