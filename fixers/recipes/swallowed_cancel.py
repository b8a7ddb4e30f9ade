"""A run that is cancelled ends: no handler takes the cancellation for an error of a step and goes on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import Entry, entry_of
from fixers.recipes.insert import add_imports
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.stubs import tool_setup
from fixers.recipes.through import written_through
from webhooks.semconv import exception
from webhooks.trace import Span, Trace

_CANCELLED = re.compile(r"(^|\.)CancelledError$")
_SHOWN_BY = frozenset(
    {"cancelled", "tool_error", "error", "limit", "abandoned", "empty_answer", "ignored_error", "repeated_call"}
)
#: Whoever cancels a task waits for it, and may well go on.
_CANCELS = re.compile(r"\.cancel\(\)|\btimeout(_at)?\(|move_on_after|fail_after")
_ASKS = re.compile(r"\.create\(|\.(post|request|send)\(")

_TEST = """
def test_a_cancelled_run_ends(monkeypatch):
    asked = completion(calls=[("call_1", "look_up", "{}")])

    def answer(request):
        CANCELS
        return asked if len(sent) == 1 else completion("done")

    def cancel(*_args, **_kwargs):
        raise asyncio.CancelledError

    sent = fake_provider(monkeypatch, answer)
    {import}

SETUP
    has_ended = False
    try:
        CALL
    except asyncio.CancelledError:
        has_ended = True
    assert has_ended
"""
_OF_THE_MODEL = """if len(sent) == 1:
            raise asyncio.CancelledError"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A handler that swallows a cancellation."""

    handler: cst.ExceptHandler
    guarded: cst.Try
    function: cst.FunctionDef
    #: What it is called in the handler's own list; empty where the handler takes everything.
    named: str
    #: Whether the handler is for nothing else.
    is_alone: bool


@dataclass(frozen=True, slots=True)
class SwallowedCancel:
    """The recipe for `except asyncio.CancelledError: …` around an `await`, without a `raise`."""

    name: str = "swallowed_cancel"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether a run can end like this that went on after it was cancelled."""
        return mode.detector in _SHOWN_BY and bool(failures)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Let the cancellation through at the first such handler."""
        if seen.failures and not most(seen.failures, lambda failure: _went_on(seen.traces.get(failure.trace_id))):
            return "no failing run went on after it was cancelled"
        files = harness_files(sources, diagnosis, "CancelledError", "BaseException", "except:")
        tried = (_fix(source, place, sources) for source in files for place in _places(source))
        return first_fix(tried, "no handler swallows a cancellation")


def _went_on(trace: Trace | None) -> bool:
    """Tell whether a step was cancelled, and another one began after it; a cancelled run has passed it on."""
    if trace is None or _was_cancelled(trace.root):
        return False
    ends = [span.end for span in trace.spans if span.end and _was_cancelled(span)]
    return bool(ends) and any(span.start >= min(ends) and not _was_cancelled(span) for span in trace.spans)


def _was_cancelled(span: Span) -> bool:
    raised = exception(span)
    return raised is not None and _CANCELLED.search(raised.type) is not None


def _places(source: Source) -> Iterator[_Place]:
    for guarded in source.find(cst.Try):
        function = source.function_of(guarded)
        if function is None or function.asynchronous is None or not source.find(cst.Await, guarded.body):
            continue
        if _CANCELS.search(source.code(function)):
            continue
        handler = next((each for each in guarded.handlers if _takes(source, each) is not None), None)
        if handler is None or source.find(cst.Raise, handler.body) or not isinstance(handler.body, cst.IndentedBlock):
            continue
        named = _takes(source, handler) or ""
        yield _Place(
            handler, guarded, function, named, isinstance(handler.type, cst.Name | cst.Attribute) and bool(named)
        )


def _takes(source: Source, handler: cst.ExceptHandler) -> str | None:
    """Return what the handler calls a cancellation; empty when it takes everything, None when it takes none."""
    kinds = handler.type
    if kinds is None or dotted(kinds) == "BaseException":
        return ""
    each = [element.value for element in kinds.elements] if isinstance(kinds, cst.Tuple) else [kinds]
    names = [source.code(kind) for kind in each]
    found = next((name for name in names if _CANCELLED.search(name)), None)
    return "" if found is None and "BaseException" in names else found


def _fix(source: Source, place: _Place, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.handler)}"
    splices = _passing_on(source, place.handler) if place.is_alone else _before(source, place)
    after = source.edited(splices)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, place, sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="End a run that is cancelled",
        rationale=(
            f"{where} takes a cancellation for the error of a step, and the run goes on although whoever waited for it "
            "has gone, or its time is over. Now the cancellation is passed on, and every other error is handled as "
            "before. Clean-up that stands in `finally` still runs."
        ),
        risk="A caller that relied on an answer after cancelling the run gets the cancellation instead.",
    )


def _passing_on(source: Source, handler: cst.ExceptHandler) -> list[Splice]:
    """Return the splice that ends the handler's own block with `raise`."""
    assert isinstance(handler.body, cst.IndentedBlock)  # noqa: S101 - what `_places` yields
    *others, last = handler.body.body
    small = last.body[0] if isinstance(last, cst.SimpleStatementLine) and len(last.body) == 1 else None
    is_answer = isinstance(small, cst.Pass | cst.Continue | cst.Break | cst.Return)
    start, end = source.span(last)
    if is_answer or (isinstance(small, cst.Assign) and not others):
        return [Splice(start, end, "raise")]
    return [Splice(end, end, f"{source.module.default_newline}{source.indent(last)}raise")]


def _before(source: Source, place: _Place) -> list[Splice]:
    """Return the splices that put a handler of its own before the one that takes more."""
    start, _ = source.span(place.handler)
    newline, indent = source.module.default_newline, source.indent(place.handler)
    named = place.named or "asyncio.CancelledError"
    own = f"except {named}:{newline}{indent}{source.unit()}raise{newline}{indent}"
    imports = add_imports(source, ["asyncio"]) if named.startswith("asyncio.") else []
    return [Splice(start, start, own), *imports]


def _test(source: Source, place: _Place, sources: Mapping[str, str]) -> Edit | str:
    entry = entry_of(source, place.function, sources)
    if isinstance(entry, str):
        return entry
    if not entry.call.is_async:
        return f"{entry.function.name.value}() does not await what is cancelled"
    of_the_model = bool(_ASKS.search(source.code(place.guarded.body)))
    return _written(source, entry, sources, of_the_model=of_the_model)


def _written(source: Source, entry: Entry, sources: Mapping[str, str], *, of_the_model: bool) -> Edit | str:
    setup = tool_setup(source, entry, stub=None if of_the_model else "cancel")
    if not of_the_model and not any("cancel" in line for line in setup):
        return "where the tools are kept is not plain"
    cancels = _OF_THE_MODEL if of_the_model else "assert len(sent) < 9"
    return written_through(
        entry,
        sources,
        name="cancelled_runs",
        doc="A run that is cancelled ends.",
        text=_TEST.replace("CANCELS", cancels),
        setup=setup,
    )
