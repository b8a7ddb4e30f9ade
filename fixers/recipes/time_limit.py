"""A limit on the model's answer that is shorter than answers take becomes one that they fit in."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import Entry, entry_of
from fixers.recipes.numbers import number_of, readers
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import COMPLETION, REQUESTS_RESPONSE
from fixers.recipes.source import Source, Splice, dotted, harness_files, keyword
from fixers.recipes.through import written_through

#: What a model's answer may take, in seconds; long answers of large models take this long.
ENOUGH_S = 60
#: A limit of at least this is somebody's decision.
SHORT_S = 15.0
_TIMEOUT = re.compile(r"Timeout|TimedOut|timed?[ _-]?out", re.IGNORECASE)
_CONNECT = re.compile(r"ConnectTimeout|PoolTimeout|ConnectionError")
_ASKS = re.compile(r"chat[./]completions|(?<!Async)\bOpenAI\(|AsyncOpenAI\(|httpx\.(Async)?Client\(|/responses\b")

_TEST = """
def test_an_answer_may_take_half_a_minute(monkeypatch):
    slow_provider(monkeypatch, 30)
    {import}

SETUP
    answer = CALL
    assert "done" in str(answer)
"""

_FAKE = '''
def slow_provider(monkeypatch, seconds):
    """A provider whose answer takes this long; nobody really waits."""

    ASYNCdef METHOD(ARGUMENTS):
        LIMIT
        if limit is not None and limit < seconds:
            raise LATE
        return RESPONSE

    monkeypatch.setattr(TARGET, "METHOD", METHOD)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
'''


class _Fake(NamedTuple):
    """What stands in for one client library: the method, and how it knows the limit, breaks off and answers."""

    target: str
    method: str
    arguments: str
    limit: str
    late: str
    response: str


_FAKES = {
    "openai": _Fake(
        "PREFIXCompletions",
        "create",
        "completions, **request",
        'limit = request.get("timeout", completions._client.timeout)\n        limit = getattr(limit, "read", limit)',
        "openai.APITimeoutError(request=None)",
        'ChatCompletion.model_validate(completion("done"))',
    ),
    "httpx": _Fake(
        "httpx.PREFIXClient",
        "send",
        "_client, request, **_options",
        'limit = (request.extensions.get("timeout") or {}).get("read")',
        'httpx.ReadTimeout("too late", request=request)',
        'httpx.Response(200, json=completion("done"), request=request)',
    ),
    "requests": _Fake(
        "requests.Session",
        "send",
        "_session, _request, **options",
        'given = options.get("timeout")\n        limit = given[1] if isinstance(given, tuple) else given',
        'requests.ReadTimeout("too late")',
        'http_response(200, completion("done"))',
    ),
}


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The recipe for `timeout=` of a client or a request."""

    name: str = "time_limit"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the model was not given the time to answer."""
        return mode.detector in {"error", "provider_error"} and most(failures, _ran_out)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Raise the first limit that is shorter than answers take."""
        files = harness_files(sources, diagnosis, "timeout")
        tried = (
            _fix(source, call, argument.value, sources, seen)
            for source in files
            for call in source.find(cst.Call)
            if (argument := keyword(call, "timeout")) is not None and _asks(source, call)
        )
        return first_fix(tried, "no request to the model has a limit of its own")


def _ran_out(failure: Failure) -> bool:
    return bool(_TIMEOUT.search(failure.key)) and not _CONNECT.search(failure.key)


def _asks(source: Source, call: cst.Call) -> bool:
    """Tell whether the call makes a client of the model's provider, or asks it."""
    name = dotted(call.func).rsplit(".", 1)[-1] or source.code(call.func).rsplit(".", 1)[-1]
    if name in {"OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI", "with_options"}:
        return "openai" in source.text.casefold()
    if source.code(call.func).endswith((".chat.completions.create", ".responses.create")):
        return True
    return name in {"post", "request", "Client", "AsyncClient"} and "chat/completions" in source.text


def _fix(
    source: Source, call: cst.Call, value: cst.BaseExpression, sources: Mapping[str, str], seen: Seen
) -> Fix | str:
    where = f"{source.path}:{source.line(call)}"
    found = number_of(source, value, sources)
    if found is None:
        return f"{where}: how long the limit is, is not plain"
    if found.value >= SHORT_S:
        return f"{where} gives the model {found.value:g} s already"
    if contradiction := _contradicted(found.value, seen):
        return f"{where}: {contradiction}"
    entry = _entry(source, call, sources)
    if isinstance(entry, str):
        return f"{where}: {entry}"
    splice = _splice(source, value, entry)
    after = source.edited([splice])
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(entry, sources)
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Give the model the time that an answer takes",
        rationale=(
            f"The request that {where} sets up may take {found.value:g} s in all, and what takes longer ends the "
            f"conversation. An answer now has {ENOUGH_S} s; to reach the provider still takes no longer than before."
        ),
        risk=f"A provider that hangs is noticed after {ENOUGH_S} s instead of {found.value:g} s.",
    )


def _entry(source: Source, call: cst.Call, sources: Mapping[str, str]) -> Entry | str:
    """Return what asks the model under the limit: the function of the call, or one that uses the client."""
    function = source.function_of(call)
    entry: Entry | str = "no function that asks the model uses the client"
    for candidate in (*([function] if function is not None else []), *readers(source, call)):
        entry = entry_of(source, candidate, sources)
        if isinstance(entry, Entry):
            break
    return entry


def _contradicted(limit_s: float, seen: Seen) -> str:
    """Return why the runs do not speak of this limit: the request that ended had been given another time."""
    took = [
        (span.end - span.start).total_seconds()
        for failure in seen.failures
        if failure.trace_id in seen.traces
        for span in seen.traces[failure.trace_id].spans
        if span.span_id == failure.span_id and span.end is not None
    ]
    if not took or any(limit_s * 0.8 <= seconds <= limit_s * 8 + 5 for seconds in took):
        return ""
    return f"the limit is {limit_s:g} s, but the requests ended after {min(took):.1f} s"


def _splice(source: Source, value: cst.BaseExpression, entry: Entry) -> Splice:
    """Return the limit for reading that leaves the one for connecting as it is."""
    before = source.code(value)
    library = entry.transport.library
    if library == "requests":
        return Splice(*source.span(value), f"({before}, {ENOUGH_S})")
    if library == "httpx" and re.search(r"^import httpx$", source.text, re.MULTILINE):
        return Splice(*source.span(value), f"httpx.Timeout({ENOUGH_S}, connect={before})")
    return Splice(*source.span(value), str(ENOUGH_S))


def _test(entry: Entry, sources: Mapping[str, str]) -> Edit:
    transport = entry.transport
    fake = _FAKES[transport.library]
    prefix = "Async" if transport.is_async else ""
    text = _FAKE.replace("ASYNC", "async " if transport.is_async and transport.library != "requests" else "")
    for mark, value in fake._asdict().items():
        text = text.replace(mark.upper(), value.replace("PREFIX", prefix))
    return written_through(
        entry,
        sources,
        name="slow_provider",
        doc="The model is given the time that an answer takes.",
        helpers=[COMPLETION, *([REQUESTS_RESPONSE] if transport.library == "requests" else []), text],
        text=_TEST,
    )
