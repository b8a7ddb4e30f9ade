"""Recorder: what a live run was answered, in the order in which its calls began, and the secrets that it used."""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Condition
from typing import TypeVar
from urllib.parse import unquote_plus

from fixers.errors import NotRecordable
from fixers.replay.cassette import Cassette, HttpCall, ModelCall, ToolCall
from fixers.replay.record import record
from webhooks import semconv
from webhooks.redaction.secrets import MIN_CANARY_LENGTH, is_mixed, is_secret_value
from webhooks.trace import Span, Trace

LONG = 20  # characters: no word of a text
CREDENTIAL_HEADER = re.compile(r"auth|cookie|key|token|secret|passw|credential|signature")
NO_CREDENTIAL = frozenset({"idempotency-key"})
CREDENTIAL_VARIABLE = re.compile(r".*(?:KEY|TOKEN|SECRET|PASS|PASSWD|PASSWORD|CREDENTIALS?|DSN)", re.IGNORECASE)
#: A parameter of an address or a form, or a field of JSON; not the places in a list that are called tokens too.
CREDENTIAL_FIELD = re.compile(
    r"(?<![\w-])(?:(?:(?:access|api|auth|bot|csrf|id|refresh|session|user)[_-]?)?token|sig|signature|app_?id|app_?key"
    r"|api_?key|(?:client_?)?secret|password|passwd|pwd|x-amz-(?:signature|security-token|credential))"
    r"(?:\\*\"\s*:\s*\\*\"|=)([^\"&\s\\]+)",
    re.IGNORECASE,
)
COOKIE = re.compile(r"[^=;,\s]+=([^;,\s]+)")

Call = TypeVar("Call")
Kept = dict[int, Call]


@dataclass(slots=True)
class Recorder:
    """Collects the calls of one run; threads share it."""

    #: A sentence for each call that the cassette does not hold.
    left_out: list[str] = field(default_factory=list)
    #: Values that the run proved itself with.
    secrets: set[str] = field(default_factory=set)
    _model: Kept[ModelCall] = field(default_factory=dict)
    _tools: Kept[ToolCall] = field(default_factory=dict)
    _http: Kept[HttpCall] = field(default_factory=dict)
    _tickets: Iterator[int] = field(default_factory=count)
    _n_open: int = 0
    _settled: Condition = field(default_factory=Condition)

    @contextmanager
    def call(self) -> Iterator[int]:
        """Yield the place of a call that begins; one that cannot be recorded is noted."""
        with self._settled:
            self._n_open += 1
            place = next(self._tickets)
        try:
            yield place
        except NotRecordable as error:
            self.left_out.append(str(error))
        finally:
            with self._settled:
                self._n_open -= 1
                self._settled.notify_all()

    def settle(self, timeout_s: float) -> None:
        """Wait until every call that began is kept."""
        with self._settled:
            self._settled.wait_for(lambda: self._n_open == 0, timeout_s)

    def keep(self, place: int, call: ModelCall | ToolCall | HttpCall) -> None:
        """Keep a call at its place."""
        with self._settled:
            match call:
                case ModelCall():
                    self._model[place] = call
                case ToolCall():
                    self._tools[place] = call
                case HttpCall():
                    self._http[place] = call
                    for text in (call.url, call.sent, call.body, *call.headers.values()):
                        self._know_fields(text)

    def know_header(self, name: str, value: str) -> None:
        """Remember what a header proves the run with, so that no text shows it."""
        name = name.lower()
        if CREDENTIAL_HEADER.search(name) and name not in NO_CREDENTIAL:
            values = COOKIE.findall(value) if "cookie" in name else _proofs(value)
            self.secrets.update(found for found in values if _is_secret(found))

    def know_environment(self, environ: Mapping[str, str]) -> None:
        """Remember the values of variables that are named for secrets."""
        named = (value for name, value in environ.items() if CREDENTIAL_VARIABLE.fullmatch(name))
        self.secrets.update(value for value in named if _is_secret(value))

    def _know_fields(self, text: str) -> None:
        """Remember what stands in a request or an answer under a name for secrets."""
        found = (unquote_plus(match[1]) for match in CREDENTIAL_FIELD.finditer(text))
        self.secrets.update(value for value in found if _is_secret(value))

    def cassette(self, started: Cassette, spans: Sequence[Span]) -> Cassette:
        """Return what `started` holds and the run added; tools that nobody told of are read from the run's spans."""
        trace = _trace(spans)
        seen = record(trace) if trace else None
        tools = tuple(_in_order(self._tools))
        if not started.tool_calls and not tools and seen:
            tools = seen.tool_calls
        return replace(
            started,
            trace_id=started.trace_id or (seen.trace_id if seen else ""),
            service=started.service or (seen.service if seen else ""),
            output=started.output or (seen.output if seen else None),
            model_calls=(*started.model_calls, *_in_order(self._model)),
            tool_calls=(*started.tool_calls, *tools),
            http_calls=(*started.http_calls, *_in_order(self._http)),
        )


def _in_order(kept: Kept[Call]) -> list[Call]:
    return [kept[place] for place in sorted(kept)]


def _trace(spans: Sequence[Span]) -> Trace | None:
    """Return the trace that most spans belong to, rather one that recorded an input: a run may export several."""
    by_id: dict[str, list[Span]] = {}
    for span in spans:
        by_id.setdefault(span.trace_id, []).append(span)
    traces = [Trace.from_spans(found) for found in by_id.values()]
    return max(traces, key=lambda trace: (semconv.input_value(trace.root) is not None, len(trace.spans)), default=None)


def _proofs(value: str) -> list[str]:
    """Return the value of a header without its scheme, and what Basic hides."""
    scheme, _, proof = value.strip().rpartition(" ")
    found = [proof]
    if scheme.lower() == "basic":
        with suppress(ValueError):
            found.append(b64decode(proof, validate=True).decode().partition(":")[2])
    return found


def _is_secret(value: str) -> bool:
    text = value.encode(errors="surrogatepass")
    return len(value) >= MIN_CANARY_LENGTH and is_secret_value(text) and (len(value) >= LONG or is_mixed(text))
