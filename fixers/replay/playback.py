"""Playback: decide what each call of a replayed run is answered with. No I/O but the live model's and the clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import Any, Protocol

import orjson

from fixers.errors import ModelUnavailable
from fixers.replay.cassette import NO_ANSWER, TIMED_OUT, Cassette, HttpCall, ModelCall, ModelError, ToolCall
from fixers.replay.fingerprints import Fingerprints
from fixers.replay.http_tools import is_reporting
from fixers.replay.pool import Pool
from fixers.replay.refusals import Refusals
from fixers.replay.tape import Tape

MAX_LIVE_CALLS = 40  # of one run: a harness that loops must not spend the owner's money
OK = 200  # HTTP's
#: A live provider that is busy says nothing of the harness: what it refused in production is in the recording.
REFUSED_BY_LIVE = frozenset({429, 500, 502, 503, 504, 529})
MAX_REASON = 200  # characters of a call that a reason quotes
# Answers keep their order, not their length: parallel calls come back as they did, and a run takes seconds.
PACE, TOOL_PACE = 0.01, 0.1  # tools that run at the same time end in the order in which they did
MAX_PACED_S = 0.3
# A call that got no answer is held as long as it was, so that the client's own time-out ends it and not we.
MAX_HELD_S = 10.0
# Settings that change what a model says; a request that was recorded without one is taken to have had it.
SAMPLING = ("temperature", "top_p", "max_tokens", "max_completion_tokens")
# An answer that was not waited for comes this much later than the client gave up.
LATE = 1.25


class LiveModel(Protocol):
    """A model that is asked when nothing was recorded."""

    @property
    def name(self) -> str:
        """The model's name, as the evidence gives it."""

    @property
    def is_steady(self) -> bool:
        """Whether the same request always gets the same answer, so that a run need not be repeated."""

    def complete(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a chat completions request with status, headers and body; ModelUnavailable when nobody answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the replay server answers to a model call."""

    #: NO_ANSWER drops the connection.
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Seconds to wait before it is given.
    wait_s: float = 0.0

    @property
    def is_late(self) -> bool:
        """Whether the client gave up on it, so that one who waits longer is answered."""
        return self.body == TIMED_OUT


class Playback:
    """The answers of one run, each recorded one given once, in the order of the recording.

    Attributes
    ----------
    n_recorded, n_pooled, n_live
        How many calls were answered from this run's cassette, from the pool, and by the live model or a real tool.
    unrecorded
        A sentence for each call that nothing answered; with one of them the run proves nothing.
    sdk_retries_seen
        The highest retry, as the client library counts them, that met a recorded error.
    n_model_calls
        How often the model was asked, however it was answered.
    borrowed_model, borrowed_tools
        What was answered from elsewhere, in order: with it, the cassette answers the same run once more.

    """

    def __init__(
        self,
        cassette: Cassette,
        *,
        pool: Pool,
        live: LiveModel | None = None,
        sdk_retries: int | None = None,
        own_tools: bool = False,
        now: datetime | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Load the cassette; `now` is the time by the replayed run's clock, `clock` counts seconds.

        A client library that retries by itself leaves one span for all its attempts, so a recorded error stands for
        each of them. `sdk_retries` says how many retries that were, where another run of this cassette has shown it;
        a retry beyond goes on to the pool. None: every one of them failed. `own_tools` lets the harness run its tools,
        whatever was recorded of them, as far as it may run any.
        """
        self.n_recorded = 0
        self.n_pooled = 0
        self.n_live = 0
        self.unrecorded: list[str] = []
        self.sdk_retries_seen = 0
        self.n_model_calls = 0
        self.borrowed_model: list[ModelCall] = []
        self.borrowed_tools: list[ToolCall] = []
        self._cassette = cassette
        self._pool = pool
        self._live = live
        self._sdk_retries = sdk_retries
        self._own_tools = own_tools
        self._pooled_from = ""
        self._last_errors: dict[str, ModelCall] = {}
        self._lock = Lock()  # a harness may call in parallel
        recorded = Fingerprints.of_recording(cassette)
        self._fingerprints = recorded.replayed(now or datetime.now(UTC))
        self._model = Tape[ModelCall]()
        self._tools = Tape[ToolCall]()
        self._http = Tape[HttpCall]()
        model = [(recorded.of_model(call.request), call) for call in cassette.model_calls]
        http = [(recorded.of_http_call(call), call) for call in cassette.http_calls]
        self._refused, self._refused_http = Refusals(model, clock), Refusals(http, clock)
        for fingerprints, call in model:
            self._model.add(fingerprints, call)
        for tool in cassette.tool_calls:
            self._tools.add(recorded.of_tool(tool.name, tool.arguments), tool)
        for fingerprints, asked in http:
            self._http.add(fingerprints, asked)

    def model(self, request: Mapping[str, Any], *, retry: int = 0) -> Answer | None:
        """Answer a chat completions request, or return None when nothing can; `retry` is the client library's count."""
        found = self._fingerprints.of_model(request)
        with self._lock:
            self.n_model_calls += 1
            own = self._repeated(found, retry) or self._refused_again(found) or self._recorded(found, request)
            answer = own or self._pooled(found, request)
            later = self._pooled(found, request) if answer and answer.is_late else None
        if answer is None or (answer.is_late and later is None and self._live is not None):
            later = self._asked_live(request)
        return replace(later, wait_s=answer.wait_s * LATE) if answer and later else answer or later

    def tool(self, name: str, arguments: object) -> ToolCall | None:
        """Answer a run of a tool, or return None: the harness then runs its own tool if `runs_tools` says so."""
        found = self._fingerprints.of_tool(name, arguments)
        with self._lock:
            if self._own_tools and self.runs_tools:
                self.n_live += 1
                return None
            if own := self._tools.take(found):
                self.n_recorded += 1
                return own
            if other := self._pool.tool_call(found, **self._other_runs()):
                self.n_pooled += 1
                self.borrowed_tools.append(other[1])
                return other[1]
            if self.runs_tools:
                self.n_live += 1
            else:
                self.unrecorded.append(f"tool {name!r} was not recorded with {str(arguments)[:MAX_REASON]}")
        return None

    def http(self, method: str, url: str, sent: str) -> HttpCall | None:
        """Answer a tool's HTTP request, or return None: nothing is ever asked of the network instead."""
        found = self._fingerprints.of_http(method, url, sent)
        with self._lock:
            if refused := self._refused_http.holds(found, self._http):
                return refused
            if own := self._http.take(found):
                self.n_recorded += 1
                self._refused_http.given(found, own)
                return own
            if other := self._pool.http_call(found, **self._other_runs()):
                self.n_pooled += 1
                return other[1]
            if not is_reporting(method, url):
                self.unrecorded.append(f"{method} {url[:MAX_REASON]} was not recorded")
        return None

    @property
    def completed(self) -> Cassette:
        """The cassette with what was borrowed: it answers a run that does the same again, without pool or model."""
        return replace(
            self._cassette,
            model_calls=(*self._cassette.model_calls, *self.borrowed_model),
            tool_calls=(*self._cassette.tool_calls, *self.borrowed_tools),
        )

    def refuse(self, what: str) -> None:
        """Note a call of a kind that is never recorded."""
        with self._lock:
            self.unrecorded.append(what)

    @property
    def followed_recording(self) -> bool:
        """Whether every recorded model call was served: else what made the recorded run fail may never have come."""
        return self._model.is_used_up

    @property
    def runs_tools(self) -> bool:
        """Whether the harness may run its own tools: only beside a live model."""
        return self._live is not None

    def _other_runs(self) -> dict[str, str]:
        # A run that has begun to follow another one's recording goes on with that one, whose results fit together.
        return {"not_from": self._cassette.trace_id, "rather_from": self._pooled_from}

    def _repeated(self, fingerprints: Sequence[str], retry: int) -> Answer | None:
        call = self._last_errors.get(fingerprints[0]) if retry else None
        if call is None or call.error is None or (self._sdk_retries is not None and retry > self._sdk_retries):
            return None
        self.sdk_retries_seen = max(self.sdk_retries_seen, retry)
        self._refused.given(fingerprints, call)
        return _error_answer(call.error, call.duration_ms)

    def _refused_again(self, fingerprints: Sequence[str]) -> Answer | None:
        call = self._refused.holds(fingerprints, self._model)
        return _error_answer(call.error, call.duration_ms) if call and call.error else None

    def _recorded(self, fingerprints: Sequence[str], request: Mapping[str, Any]) -> Answer | None:
        call = self._model.take(fingerprints)
        if call is None or _asked_otherwise(call, request):
            return None
        self.n_recorded += 1
        self._refused.given(fingerprints, call)
        if call.error is not None:
            self._last_errors[fingerprints[0]] = call
            return _error_answer(call.error, call.duration_ms)
        return _answer(call)

    def _pooled(self, fingerprints: Sequence[str], request: Mapping[str, Any]) -> Answer | None:
        found = self._pool.model_call(fingerprints, **self._other_runs())
        if found is None or _asked_otherwise(found[1], request):
            return None
        self.n_pooled += 1
        self._pooled_from, call = found
        self.borrowed_model.append(replace(call, request=dict(request)))
        return _answer(call)

    def _asked_live(self, request: Mapping[str, Any]) -> Answer | None:
        messages = request.get("messages")
        n_messages = len(messages) if isinstance(messages, list) else 0
        with self._lock:
            self.n_live += self._live is not None
            if self._live is None or self.n_live > MAX_LIVE_CALLS:
                self.unrecorded.append(f"a model call with {n_messages} messages was not recorded")
                return None
        try:
            status, headers, body = self._live.complete(request)
            answer = Answer(status=status, headers=headers, body=_live_body(status, body))
        except ModelUnavailable as error:
            self.refuse(f"a model call was not recorded, and the live model did not answer: {error}")
            return None
        if status == OK:
            with self._lock:
                self.borrowed_model.append(ModelCall(request=dict(request), response=dict(answer.body)))
        return answer


def _asked_otherwise(call: ModelCall, request: Mapping[str, Any]) -> bool:
    """Tell whether a model was asked with other settings: what it said then proves nothing of what it says now."""
    if call.error is not None:
        return False
    return any(name in call.request and call.request[name] != request.get(name) for name in SAMPLING)


def _live_body(status: int, body: bytes) -> dict[str, Any]:
    if status in REFUSED_BY_LIVE:
        raise ModelUnavailable(f"it refuses with status {status}")
    return _json_object(body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except ValueError as error:
        raise ModelUnavailable(f"the live model answered no JSON: {body[:MAX_REASON]!r}") from error
    if not isinstance(value, dict):
        raise ModelUnavailable(f"the live model answered no JSON object: {body[:MAX_REASON]!r}")
    return value


def _answer(call: ModelCall) -> Answer:
    return Answer(status=200, body=call.response or {}, wait_s=_paced(call.duration_ms))


def _error_answer(error: ModelError, duration_ms: float) -> Answer:
    held = held_s(duration_ms) if error.status == NO_ANSWER else _paced(duration_ms)
    return Answer(status=error.status, body=error.body, headers=error.headers, wait_s=held)


def held_s(duration_ms: float) -> float:
    """Return the seconds for which a call that got no answer waits for none."""
    return min(max(0.0, duration_ms) / 1000, MAX_HELD_S)


def tool_wait_s(call: ToolCall) -> float:
    """Return the seconds to wait before a tool's recorded result is given."""
    return _paced(call.duration_ms, TOOL_PACE)


def _paced(duration_ms: float, pace: float = PACE) -> float:
    return min(max(0.0, duration_ms) / 1000 * pace, MAX_PACED_S)
