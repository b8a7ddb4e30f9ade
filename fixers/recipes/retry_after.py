"""A retry that waits by its own clock waits at least as long as the provider's Retry-After asks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.busy import busy_helpers
from fixers.recipes.entry import entry_of
from fixers.recipes.insert import add_imports, helper_in
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.through import written_through

#: Longer than this no conversation waits, whatever the provider asks.
MAX_WAIT_S = 60
_BUSY = re.compile(r"RateLimit|Overloaded|TooManyRequests", re.IGNORECASE)
_BUSY_STATUS = re.compile(r"\b(429|503|529)\b|rate.?limit|too many requests", re.IGNORECASE)
_KNOWN = re.compile(r"retry[-_]after|retry_after|HTTPAdapter|max_retries\s*=\s*[1-9]", re.IGNORECASE)
_SLEEPS = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"})
_ASKS = re.compile(r"\.(post|request|send)\(")
_RAISES_ANSWER = re.compile(
    r"RateLimit|StatusError|APIError|HTTPError|InternalServerError|OVERLOAD|TRANSIENT|AGAIN|RETR"
)

_HELPER = '''
def NAME(response, seconds):
    """Return the seconds to wait: at least as long as Retry-After asks (seconds or a date), at most LIMIT for it."""
    asked = getattr(response, "headers", {}).get("Retry-After")
    try:
        told = float(asked)
    except (TypeError, ValueError):
        try:
            told = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
        except (TypeError, ValueError):
            return seconds
    return max(seconds, min(told, LIMIT))
'''

_TEST = """
def test_the_provider_is_given_the_time_that_it_asks_for(monkeypatch):
    waited = without_waiting(monkeypatch)
    busy_provider(monkeypatch, [429, 200], {"Retry-After": "33"})
    {import}

SETUP
    answer = CALL
    assert "done" in str(answer)
    assert max(waited) >= 33
"""


@dataclass(frozen=True, slots=True)
class _Pause:
    """A pause between two tries, and what holds the answer that made it necessary."""

    call: cst.Call
    seconds: cst.BaseExpression
    response: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """The recipe for retries that never look at Retry-After."""

    name: str = "retry_after"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the provider was still busy when the tries were over."""
        return mode.detector in {"error", "provider_error", "exhausted_retries"} and most(failures, _is_busy)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Let the first such pause last as long as the provider asks."""
        del seen
        files = harness_files(sources, diagnosis, "sleep(")
        tried = (_fix(source, pause, sources) for source in files for pause in _pauses(source))
        return first_fix(tried, "no retry of a request waits by its own clock")


def _is_busy(failure: Failure) -> bool:
    return bool(_BUSY.search(failure.key) or _BUSY_STATUS.search(f"{failure.key} {failure.message}"))


def _pauses(source: Source) -> Iterator[_Pause]:
    if _KNOWN.search(source.text):
        return
    for call in source.find(cst.Call):
        if dotted(call.func) not in _SLEEPS or len(call.args) != 1:
            continue
        loop = source.nearest(call, cst.For) or source.nearest(call, cst.While)
        function = source.function_of(call)
        if loop is None or function is None or not source.within(loop, function):
            continue
        if response := _answer(source, call, loop):
            yield _Pause(call, call.args[0].value, response)


def _answer(source: Source, call: cst.Call, loop: cst.CSTNode) -> str:
    """Return an expression for the provider's answer where the pause stands, or ""."""
    handler = source.nearest(call, cst.ExceptHandler)
    if handler is not None and source.within(handler, loop):
        named = handler.name.name if handler.name is not None else None
        kinds = source.code(handler.type) if handler.type is not None else ""
        if isinstance(named, cst.Name) and _RAISES_ANSWER.search(kinds):
            return f'getattr({named.value}, "response", None)'
        return ""
    for node in source.find(cst.Assign, loop):
        name = dotted(node.targets[0].target)
        if name.isidentifier() and _ASKS.search(source.code(node.value)) and _is_bound(source, node, call):
            return name
    return ""


def _is_bound(source: Source, node: cst.Assign, call: cst.Call) -> bool:
    """Tell whether the assignment always comes before the pause: no `try` whose handlers go on lies between."""
    if source.span(node)[1] > source.span(call)[0]:
        return False
    block = source.nearest(node, cst.IndentedBlock)
    if block is None:
        return False
    guarded = source.nearest(node, cst.Try)
    if guarded is None or source.within(call, guarded) or not source.within(guarded, source.function_of(call) or block):
        return True
    return all(re.search(r"\b(continue|raise|return)\b", source.code(each.body)) for each in guarded.handlers)


def _fix(source: Source, pause: _Pause, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(pause.call)}"
    function = source.function_of(pause.call)
    if function is None:
        return f"{where} is in no function"
    name, helper = helper_in(source, pause.call, "_seconds_to_wait", _HELPER.replace("LIMIT", str(MAX_WAIT_S)))
    seconds = source.code(pause.seconds)
    after = source.edited(
        [
            Splice(*source.span(pause.seconds), f"{name}({pause.response}, {seconds})"),
            *helper,
            *add_imports(source, ["email.utils", "time"]),
        ]
    )
    if after is None:
        return f"{source.path} would not parse after the edit"
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return f"{where}: {entry}"
    test = written_through(
        entry,
        sources,
        name="retry_after",
        doc="A busy provider is given the time that it asks for.",
        helpers=busy_helpers(entry.transport),
        text=_TEST,
    )
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Wait as long as Retry-After asks",
        rationale=(
            f"The retry at {where} waits by its own clock, so all its tries may be over before a provider that is over "
            "its limit can answer again. Now it waits at least as long as the answer's Retry-After header asks, in "
            f"seconds or by date, and up to {MAX_WAIT_S} s for that."
        ),
        risk=f"A conversation may wait up to {MAX_WAIT_S} s a try where the provider asks for it.",
    )
