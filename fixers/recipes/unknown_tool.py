"""A call of a tool that does not exist no longer ends the run: the model is told which tools there are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.guarding import guarded
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, fix_of_file, most
from fixers.recipes.reporting import Report, report_of
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.tool_runs import ToolRun, runs_tools, tool_runs
from fixers.recipes.tool_tests import written_with_a_tool
from webhooks.semconv import output_messages

_TEST = """
def test_a_tool_that_does_not_exist_is_named_to_the_model_with_those_that_do(monkeypatch):
    asked = completion(calls=[("call_1", "no_such_tool", "{}")])
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else asked)
    {import}

SETUP
    CALL
    (result,) = [m for m in sent[-1]["messages"] if m["role"] == "tool"]
    assert "no_such_tool" in result["content"]
    assert "look_up" in result["content"]
"""


@dataclass(frozen=True, slots=True)
class UnknownTool:
    """The recipe for `TOOLS[name](**arguments)` that nothing guards."""

    name: str = "unknown_tool"
    layer: Layer = Layer.TOOL_CODE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the run ended in looking something up."""
        return mode.detector == "error" and most(failures, lambda failure: failure.key == "KeyError")

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Answer for the tool at the first such place."""
        if seen.failures and not most(seen.failures, lambda failure: _was_called(failure, seen)):
            return "the model called no tool by the name that the runs end with"
        files = harness_files(sources, diagnosis, runs_tools)
        tried = (_fix(source, place, sources) for source in files for place in tool_runs(source))
        return first_fix(tried, "no tool is taken out of a table by the name that the model gives")


def _was_called(failure: Failure, seen: Seen) -> bool:
    """Tell whether the key that was not there is the name of a tool that the model called in the run."""
    trace = seen.traces.get(failure.trace_id)
    messages = (message for span in (trace.spans if trace else ()) for message in output_messages(span))
    wanted = failure.message.strip().strip("'\"")
    return any(call.name == wanted for message in messages for call in message.tool_calls)


def _fix(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.lookup)}"
    table = dotted(place.lookup.value)
    if guarded(source, place.lookup, place.function, "KeyError|LookupError") or _is_checked(source, place, table):
        return f"{where} already handles a tool that does not exist"
    report = report_of(source, place.call, place.function, place.statement, sources)
    if isinstance(report, str):
        return report
    after = source.edited([_check(source, place, table, report)])
    test = _test(source, place, sources)
    return fix_of_file(
        where,
        source.path,
        source.text,
        after,
        test,
        title="Tell the model which tools there are",
        rationale=(
            f"{where} takes a tool out of `{table}` by the name that the model gave, so that a name which is not there "
            "ends the conversation with a KeyError. Now the call gets a result like every other one, which says that "
            "there is no such tool and names those that there are, so that the model can choose again."
        ),
        risk="A model that never calls a known tool now uses up the step limit instead of failing at once.",
    )


def _is_checked(source: Source, place: ToolRun, table: str) -> bool:
    """Tell whether the function asks the table before it looks."""
    return bool(re.search(rf"\bin {re.escape(table)}\b", source.code(place.function.body)))


def _check(source: Source, place: ToolRun, table: str, report: Report) -> Splice:
    """Return the splice that answers for a tool that is not in the table."""
    key = source.code(place.lookup.slice[0])
    told = f'"Error: there is no tool {{!r}}; there are: {{}}".format({key}, ", ".join(sorted({table})))'
    indent, unit, newline = source.indent(place.statement), source.unit(), source.module.default_newline
    block = [f"if {key} not in {table}:", *(unit + text.replace("ERROR", told) for text in report.statements), ""]
    start, _ = source.span(place.statement)
    return Splice(start, start, f"{newline}{indent}".join(block))


def _test(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Edit | str:
    return written_with_a_tool(
        source,
        place.function,
        sources,
        name="unknown_tools",
        doc="A call of a tool that does not exist is answered with the tools that do.",
        text=lambda _: _TEST,
    )
