"""An exception in a tool no longer ends the run: the model is told what went wrong, as that call's result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.guarding import guarded, guarding
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, fix_of_file, most
from fixers.recipes.reporting import report_of
from fixers.recipes.source import Source, harness_files
from fixers.recipes.tool_runs import ToolRun, runs_tools, tool_runs
from fixers.recipes.tool_tests import written_with_a_tool
from webhooks.operation import Operation, operation
from webhooks.semconv import exception

_TEST = """
def test_the_model_is_told_that_a_tool_has_failed(monkeypatch):
    asked = completion(calls=[("call_1", "look_up", "{}")])
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else asked)
    {import}

    def fail(*_args, **_kwargs):
        raise RuntimeError("the shelf fell over")

SETUP
    CALL
    (result,) = [m for m in sent[-1]["messages"] if m["role"] == "tool"]
    assert "the shelf fell over" in result["content"]
"""


@dataclass(frozen=True, slots=True)
class ToolCrash:
    """The recipe for `TOOLS[name](**arguments)` whose exceptions nothing catches."""

    name: str = "tool_crash"
    layer: Layer = Layer.TOOL_CODE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether an exception ended the run."""
        return mode.detector == "error" and bool(failures)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Catch what the tool raises at the first such place."""
        if seen.failures and not most(seen.failures, lambda failure: _in_a_tool(failure, seen)):
            return "no step that ran a tool raised what the runs end with"
        files = harness_files(sources, diagnosis, runs_tools)
        tried = (_fix(source, place, sources) for source in files for place in tool_runs(source))
        return first_fix(tried, "no tool is run by the name that the model gives")


def _in_a_tool(failure: Failure, seen: Seen) -> bool:
    """Tell whether a tool's own step raised what ended the run."""
    trace = seen.traces.get(failure.trace_id)
    raised = [exception(span) for span in (trace.spans if trace else ()) if operation(span) is Operation.TOOL]
    return any(error is not None and error.type.rsplit(".", 1)[-1] == failure.key for error in raised)


def _fix(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.call)}"
    if guarded(source, place.call, place.function, "[A-Z]\\w*Error"):
        return f"{where} already handles errors of tools"
    report = report_of(source, place.call, place.function, place.statement, sources)
    if isinstance(report, str):
        return report
    splice = guarding(
        source, place.awaited, source.code(place.awaited), place.statement, report, caught="Exception", named="result"
    )
    after = source.edited([splice])
    test = _test(source, place, sources)
    return fix_of_file(
        where,
        source.path,
        source.text,
        after,
        test,
        title="Tell the model when a tool fails",
        rationale=(
            f"What a tool raises at {where} ends the conversation, whatever it is. Now it becomes the result of that "
            "call, as an error, so that the model can try something else or say what did not work. Every call still "
            "gets exactly one result."
        ),
        risk="The model sees the texts of the tools' errors, and may try one that always fails until the step limit.",
    )


def _test(source: Source, place: ToolRun, sources: Mapping[str, str]) -> Edit | str:
    return written_with_a_tool(
        source,
        place.function,
        sources,
        name="failing_tools",
        doc="A tool that fails is told to the model as an error.",
        text=lambda _: _TEST,
        stub="fail",
    )
