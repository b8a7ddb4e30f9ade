"""A tool that never answers no longer holds the run: after a while the model is told, as that call's result."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.guarding import guarded, guarding
from fixers.recipes.insert import add_imports
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, fix_of_file, most
from fixers.recipes.reporting import report_of
from fixers.recipes.source import Source, harness_files
from fixers.recipes.tool_runs import ToolRun, runs_tools, tool_runs
from fixers.recipes.tool_tests import written_with_a_tool
from webhooks.operation import Operation, operation
from webhooks.trace import Span, Trace

#: Seconds that a tool may take: longer, and whoever asked has gone.
LIMIT_S = 60
_SHOWN_BY = frozenset({"abandoned", "limit", "cancelled", "outlier"})
_LIMITED = re.compile(r"wait_for\(|timeout(_at)?\(|move_on_after|fail_after|asyncio\.wait\(")

_TEST = """
def test_a_tool_that_never_answers_is_told_to_the_model(monkeypatch):
    asked = completion(calls=[("call_1", "look_up", "{}")])
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else asked)
    {import}
    wait_for = asyncio.wait_for
    monkeypatch.setattr(asyncio, "wait_for", lambda awaited, timeout: wait_for(awaited, min(timeout, 0.05)))

    async def hang(*_args, **_kwargs):
        await asyncio.sleep(1)
        return "far too late"

SETUP
    CALL
    (result,) = [m for m in sent[-1]["messages"] if m["role"] == "tool"]
    assert "far too late" not in result["content"]
"""


@dataclass(frozen=True, slots=True)
class ToolTimeLimit:
    """The recipe for `await TOOLS[name](**arguments)` that may take for ever."""

    name: str = "tool_time_limit"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether runs were left, stopped or far too long."""
        return mode.detector in _SHOWN_BY and bool(failures)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Limit the first awaited tool that nothing limits."""
        if seen.failures and not most(seen.failures, lambda failure: _hung(seen.traces.get(failure.trace_id))):
            return f"no tool of the failing runs took {LIMIT_S} s or never ended"
        files = harness_files(sources, diagnosis, runs_tools)
        tried = (
            _fix(source, place, sources)
            for source in files
            for place in tool_runs(source)
            if place.function.asynchronous is not None
        )
        return first_fix(tried, "no tool is awaited by the name that the model gives")


def _hung(trace: Trace | None) -> bool:
    spans = trace.spans if trace else ()
    return any(operation(span) is Operation.TOOL and _is_long(span) for span in spans)


def _is_long(span: Span) -> bool:
    return span.end is None or (span.end - span.start).total_seconds() >= LIMIT_S


def _fix(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.call)}"
    if _LIMITED.search(source.code(place.function)):
        return f"{where} already limits the time of tools"
    if place.awaited is place.call:
        return f"{where} does not await the tool, which nothing can stop then"
    if guarded(source, place.call, place.function, "TimeoutError"):
        return f"{where} handles errors of tools in its own way"
    report = report_of(source, place.call, place.function, place.statement, sources)
    if isinstance(report, str):
        return report
    splice = guarding(
        source,
        place.awaited,
        f"await asyncio.wait_for({source.code(place.call)}, timeout={LIMIT_S})",
        place.statement,
        report,
        caught="asyncio.TimeoutError",
        named="result",
        told=f'"Error: the tool did not answer within {LIMIT_S} seconds"',
    )
    after = source.edited([splice, *add_imports(source, ["asyncio"])])
    test = _test(source, place, sources)
    return fix_of_file(
        where,
        source.path,
        source.text,
        after,
        test,
        title="Tell the model when a tool does not answer in time",
        rationale=(
            f"{where} waits for a tool for as long as it takes, and one that hangs holds the conversation for ever. "
            f"Now a tool has {LIMIT_S} seconds; after that it is stopped, and the model is told as that call's result, "
            "so that it can try something else or say what did not work."
        ),
        risk=f"A tool that needs more than {LIMIT_S} seconds, and used to be waited for, is stopped.",
    )


def _test(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Edit | str:
    return written_with_a_tool(
        source,
        place.function,
        sources,
        name="hanging_tools",
        doc="A tool that never answers is told to the model as an error.",
        text=lambda _: _TEST,
        stub="hang",
    )
