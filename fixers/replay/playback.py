"""Playback: decide what each call of a replayed run is answered with. No I/O but the live model's."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Protocol, TypeVar

import orjson

from fixers.errors import ModelUnavailable
from fixers.replay.cassette import Cassette, ModelCall, ModelError, ToolCall
from fixers.replay.match import model_fingerprint, tool_fingerprint

MAX_LIVE_CALLS = 40  # of one run: a harness that loops must not spend the owner's money
MAX_REASON = 200  # characters of a call that a reason quotes

Call = TypeVar("Call")


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


class Pool:
    """Answers from the recorded runs of one service, for a run that asks what another run has asked before."""

    def __init__(self, cassettes: Iterable[Cassette] = ()) -> None:
        self._model: defaultdict[str, list[tuple[str, ModelCall]]] = defaultdict(list)
        self._tools: defaultdict[str, list[tuple[str, ToolCall]]] = defaultdict(list)
        for cassette in cassettes:
            for call in cassette.model_calls:
                if call.response is not None:
                    self._model[model_fingerprint(call.request)].append((cassette.trace_id, call))
            for tool in cassette.tool_calls:
                if tool.result is not None:
                    self._tools[tool_fingerprint(tool.name, tool.arguments)].append((cassette.trace_id, tool))

    def model_call(self, fingerprint: str, *, not_from: str, rather_from: str) -> tuple[str, ModelCall] | None:
        """Return a completion of another run than `not_from`, and whose it is; one of `rather_from` comes first."""
        return _choose(self._model.get(fingerprint, []), not_from, rather_from)

    def tool_call(self, fingerprint: str, *, not_from: str, rather_from: str) -> tuple[str, ToolCall] | None:
        """Return a tool's result in another run than `not_from`, and whose it is; one of `rather_from` comes first."""
        return _choose(self._tools.get(fingerprint, []), not_from, rather_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the replay server answers to a model call."""

    #: NO_ANSWER drops the connection.
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


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

    """

    def __init__(
        self, cassette: Cassette, *, pool: Pool, live: LiveModel | None = None, sdk_retries: int | None = None
    ) -> None:
        """Load the cassette.

        A client library that retries by itself leaves one span for all its attempts, so a recorded error stands for
        each of them. `sdk_retries` says how many retries that were, where another run of this cassette has shown it;
        a retry beyond goes on to the pool. None: every one of them failed.
        """
        self.n_recorded = 0
        self.n_pooled = 0
        self.n_live = 0
        self.unrecorded: list[str] = []
        self.sdk_retries_seen = 0
        self.n_model_calls = 0
        self._cassette = cassette
        self._pool = pool
        self._live = live
        self._sdk_retries = sdk_retries
        self._pooled_from = ""
        self._last_errors: dict[str, ModelError] = {}
        self._lock = Lock()  # a harness may call in parallel
        self._model: defaultdict[str, deque[ModelCall]] = defaultdict(deque)
        self._tools: defaultdict[str, deque[ToolCall]] = defaultdict(deque)
        for call in cassette.model_calls:
            self._model[model_fingerprint(call.request)].append(call)
        for tool in cassette.tool_calls:
            self._tools[tool_fingerprint(tool.name, tool.arguments)].append(tool)

    def model(self, request: Mapping[str, Any], *, retry: int = 0) -> Answer | None:
        """Answer a chat completions request, or return None when nothing can; `retry` is the client library's count."""
        fingerprint = model_fingerprint(request)
        with self._lock:
            self.n_model_calls += 1
            answer = self._repeated(fingerprint, retry) or self._recorded(fingerprint) or self._pooled(fingerprint)
        return answer or self._asked_live(request)

    def tool(self, name: str, arguments: object) -> ToolCall | None:
        """Answer a run of a tool, or return None: the harness then runs its own tool if `runs_tools` says so."""
        fingerprint = tool_fingerprint(name, arguments)
        with self._lock:
            if own := self._tools.get(fingerprint):
                self.n_recorded += 1
                return own.popleft()
            if found := self._pool.tool_call(fingerprint, **self._other_runs()):
                self.n_pooled += 1
                return found[1]
            if self.runs_tools:
                self.n_live += 1
            else:
                self.unrecorded.append(f"tool {name!r} was not recorded with {str(arguments)[:MAX_REASON]}")
        return None

    def refuse(self, what: str) -> None:
        """Note a call of a kind that is never recorded."""
        with self._lock:
            self.unrecorded.append(what)

    @property
    def followed_recording(self) -> bool:
        """Whether every recorded model call was served: else what made the recorded run fail may never have come."""
        return not any(self._model.values())

    @property
    def runs_tools(self) -> bool:
        """Whether the harness may run its own tools: only beside a live model."""
        return self._live is not None

    def _other_runs(self) -> dict[str, str]:
        # A run that has begun to follow another one's recording goes on with that one, whose results fit together.
        return {"not_from": self._cassette.trace_id, "rather_from": self._pooled_from}

    def _repeated(self, fingerprint: str, retry: int) -> Answer | None:
        error = self._last_errors.get(fingerprint) if retry else None
        if error is None or (self._sdk_retries is not None and retry > self._sdk_retries):
            return None
        self.sdk_retries_seen = max(self.sdk_retries_seen, retry)
        return _error_answer(error)

    def _recorded(self, fingerprint: str) -> Answer | None:
        own = self._model.get(fingerprint)
        if not own:
            return None
        self.n_recorded += 1
        call = own.popleft()
        if call.error is not None:
            self._last_errors[fingerprint] = call.error
            return _error_answer(call.error)
        return Answer(status=200, body=call.response or {})

    def _pooled(self, fingerprint: str) -> Answer | None:
        found = self._pool.model_call(fingerprint, **self._other_runs())
        if found is None:
            return None
        self.n_pooled += 1
        self._pooled_from, call = found
        return Answer(status=200, body=call.response or {})

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
            return Answer(status=status, headers=headers, body=_json_object(body))
        except ModelUnavailable as error:
            self.refuse(f"a model call was not recorded, and the live model did not answer: {error}")
            return None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except ValueError as error:
        raise ModelUnavailable(f"the live model answered no JSON: {body[:MAX_REASON]!r}") from error
    if not isinstance(value, dict):
        raise ModelUnavailable(f"the live model answered no JSON object: {body[:MAX_REASON]!r}")
    return value


def _choose(candidates: list[tuple[str, Call]], not_from: str, rather_from: str) -> tuple[str, Call] | None:
    others = [candidate for candidate in candidates if candidate[0] != not_from]
    return min(others, key=lambda candidate: candidate[0] != rather_from, default=None)


def _error_answer(error: ModelError) -> Answer:
    return Answer(status=error.status, body=error.body, headers=error.headers)
