"""Refusals of plain HTTP clients in a replay, answers that were not waited for, and answers to other settings."""

from datetime import UTC, datetime

import pytest

from fixers.replay.cassette import NO_ANSWER, TIMED_OUT, Cassette, ModelCall, ModelError
from fixers.replay.playback import Playback, Pool
from fixers.replay.record import provider_error
from webhooks.trace import Event, Span

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
LATE = ModelCall(request=REQUEST, error=ModelError(status=NO_ANSWER, body=TIMED_OUT), duration_ms=400)
ANSWERED = ModelCall(request=REQUEST, response={"choices": []}, duration_ms=5)


def raised(kind: str, message: str) -> Span:
    event = Event(name="exception", time=NOW, attributes={"exception.type": kind, "exception.message": message})
    return Span(trace_id="t1", span_id="s1", name="chat", start=NOW, events=(event,))


@pytest.mark.parametrize(
    ("kind", "message", "status"),
    [
        ("httpx.HTTPStatusError", "Server error '503 Service Unavailable' for url 'http://x/v1'", 503),
        ("requests.exceptions.HTTPError", "429 Client Error: Too Many Requests for url: http://x/v1", 429),
        ("ProviderError", "HTTP 500 from http://x/v1: overloaded", 500),
        ("httpx.ConnectError", "[Errno 111] Connection refused", NO_ANSWER),
        ("httpx.ReadTimeout", "timed out", NO_ANSWER),
    ],
)
def test_what_http_clients_raise_is_read(kind: str, message: str, status: int) -> None:
    error = provider_error(raised(kind, message))
    assert error is not None
    assert (error.status, error.body == TIMED_OUT) == (status, kind == "httpx.ReadTimeout")


def test_an_answer_that_was_not_waited_for_comes_to_those_who_wait_longer() -> None:
    elsewhere = Cassette(trace_id="t2", service="", input=None, model_calls=(ANSWERED,), tool_calls=(), http_calls=())
    late = Cassette(trace_id="t1", service="", input=None, model_calls=(LATE,), tool_calls=(), http_calls=())
    answer = Playback(late, pool=Pool([elsewhere])).model(REQUEST)
    assert answer is not None
    assert (answer.status, answer.wait_s) == (200, 0.5)


def test_without_another_answer_the_connection_is_dropped_as_it_was() -> None:
    late = Cassette(trace_id="t1", service="", input=None, model_calls=(LATE,), tool_calls=(), http_calls=())
    playback = Playback(late, pool=Pool([]))
    answer = playback.model(REQUEST)
    assert answer is not None
    assert (answer.status, answer.wait_s, playback.unrecorded) == (NO_ANSWER, 0.4, [])


@pytest.mark.parametrize(
    ("asked", "recorded"), [({"max_tokens": 40}, True), ({"max_tokens": 2048}, False), ({}, False)]
)
def test_an_answer_to_other_settings_is_no_answer(asked: dict[str, int], recorded: bool) -> None:  # noqa: FBT001 - a case
    cut = ModelCall(request={**REQUEST, "max_tokens": 40}, response={"choices": []})
    run = Cassette(trace_id="t1", service="", input=None, model_calls=(cut,), tool_calls=(), http_calls=())
    playback = Playback(run, pool=Pool([]))
    assert (playback.model({**REQUEST, **asked}) is not None) is recorded
    assert bool(playback.unrecorded) is not recorded
