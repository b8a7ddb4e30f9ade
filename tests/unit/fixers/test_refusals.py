"""A recorded Retry-After holds in a replay: who comes before it has passed is refused again."""

from dataclasses import replace
from typing import Any

from fixers.replay.cassette import Cassette, HttpCall, ModelCall, ModelError
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.record import record
from tests.unit.fixers.recorded_runs import healthy

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
BUSY = ModelError(status=429, body={"error": {"message": "busy"}}, headers={"Retry-After": "7"})
REFUSED = ModelCall(request=ASKED, error=BUSY)
ANSWERED = ModelCall(request=ASKED, response={"choices": [{"message": {"content": "hello"}}]})


class Clock:
    """Stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def timed(*calls: tuple[ModelCall, float]) -> Playback:
    """Return a playback of calls that began at these seconds."""
    made = tuple(replace(call, began_ms=at_s * 1000, duration_ms=10.0) for call, at_s in calls)
    return playback(*made)


def playback(*calls: ModelCall, http: tuple[HttpCall, ...] = ()) -> Playback:
    run = Cassette(trace_id="t", service="", input="", model_calls=calls, tool_calls=(), http_calls=http)
    other = replace(run, trace_id="o", model_calls=(ANSWERED,), http_calls=())
    return Playback(run, pool=Pool([other]), clock=Clock())


def clock_of(played: Playback) -> Clock:
    clock = played._refused._clock
    assert isinstance(clock, Clock)
    return clock


def statuses(played: Playback, *waits_s: float) -> list[int]:
    """Ask once, and again after each of the waits."""
    found = []
    for wait_s in (0.0, *waits_s):
        clock_of(played).now += wait_s
        answer = played.model(ASKED)
        assert answer is not None
        found.append(answer.status)
    return found


def test_who_ignores_retry_after_is_refused_until_it_has_passed_and_who_waits_is_answered() -> None:
    assert statuses(playback(REFUSED, ANSWERED), 0.0, 0.5) == [429, 429, 429]
    assert statuses(playback(REFUSED, ANSWERED), 1.0) == [429, 200]
    assert statuses(playback(REFUSED, ANSWERED), 0.0, 0.0, 1.0) == [429, 429, 429, 200]


def test_a_refusal_uses_up_no_answer_and_borrows_none_from_another_run() -> None:
    hasty, patient = playback(REFUSED), playback(REFUSED)
    assert (statuses(hasty, 0.2), hasty.n_pooled) == ([429, 429], 0)
    assert (statuses(patient, 1.0), patient.n_pooled) == ([429, 200], 1)


def test_a_run_that_came_too_early_again_and_again_fails_as_it_did_and_is_answered_once_it_waits() -> None:
    hasty = ((REFUSED, 0.0), (REFUSED, 0.2), (REFUSED, 0.4))
    same = timed(*hasty)
    assert (statuses(same, 0.2, 0.2), same.n_recorded, same.followed_recording) == ([429, 429, 429], 3, True)
    assert statuses(timed(*hasty), 1.0) == [429, 200]


def test_a_provider_that_answered_before_the_time_did_not_mean_it() -> None:
    assert statuses(timed((REFUSED, 0.0), (ANSWERED, 0.3)), 0.0) == [429, 200]
    assert statuses(timed((REFUSED, 0.0), (ANSWERED, 7.5)), 0.0) == [429, 429]


def test_refusals_after_a_whole_wait_come_again() -> None:
    patient = ((REFUSED, 0.0), (REFUSED, 7.5), (ANSWERED, 15.0))
    assert statuses(timed(*patient), 1.0, 1.0) == [429, 429, 200]
    assert statuses(timed(*patient), 1.0, 0.0, 1.0) == [429, 429, 429, 200]


def test_an_error_without_retry_after_holds_nothing() -> None:
    silent = replace(REFUSED, error=replace(BUSY, headers={}))
    assert statuses(playback(silent, ANSWERED), 0.0) == [429, 200]


def test_the_retries_of_a_client_library_begin_the_wait_anew() -> None:
    played = playback(REFUSED, ANSWERED)
    found = []
    for wait_s, retry in ((0.0, 0), (1.0, 1), (0.2, 0), (1.0, 0)):
        clock_of(played).now += wait_s
        answer = played.model(ASKED, retry=retry)
        assert answer is not None
        found.append(answer.status)
    assert found == [429, 429, 429, 200]


def test_a_tools_host_is_waited_for_too() -> None:
    busy = HttpCall(method="GET", url="http://h/", status=503, body="", headers={"retry-after": "1"})
    played = playback(http=(busy, replace(busy, status=200, headers={})))
    first, second = played.http("GET", "http://h/", ""), played.http("GET", "http://h/", "")
    clock_of(played).now += 1.0
    third = played.http("GET", "http://h/", "")
    assert [call.status for call in (first, second, third) if call] == [503, 503, 200]


def test_a_trace_tells_when_its_calls_began() -> None:
    assert [call.began_ms for call in record(healthy(1)).model_calls] == [1000.0, 3000.0]
