"""Tool results are kept by the call's id: two calls of one tool each get their own result."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import entry_of
from fixers.recipes.joined_results import OWN_RESULTS_TEST
from fixers.recipes.recipe import NOTHING, ByDetector, Fix, Seen, first_fix
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.through import written_through

_BY_NAME = re.compile(r"^(\w+)\.function\.name$")


@dataclass(frozen=True, slots=True)
class ParallelResults(ByDetector):
    """The recipe for `results[call.function.name]`."""

    name: str = "parallel_results"
    layer: Layer = Layer.TOOL_CODE
    shown_by: frozenset[str] = frozenset({"tool_result_mismatch"})

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Key the first such dict by the call's id."""
        del seen
        files = harness_files(sources, diagnosis, ".function.name]")
        tried = (_fix(source, function, sources) for source in files for function in source.find(cst.FunctionDef))
        return first_fix(tried, "no dict keeps tool results by the tool's name")


def _fix(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Fix | str | None:
    """Return the fix of one function, why there is none, or None when it keeps no results by name."""
    kept = [
        node.targets[0].target
        for node in source.find(cst.Assign, function.body)
        if isinstance(node.targets[0].target, cst.Subscript) and _key_of(source, node.targets[0].target)
    ]
    if not kept or source.function_of(kept[0]) is not function:
        return None
    results = dotted(kept[0].value)
    keys = [
        (node, match)
        for node in source.find(cst.Subscript, function.body)
        if dotted(node.value) == results and (match := _key_of(source, node))
    ]
    uses = len(re.findall(rf"\b{re.escape(results)}\b", source.code(function.body)))
    where = f"{source.path}:{source.line(kept[0])}"
    # One use is where the dict is made; any other than by key might want the names.
    if not results.isidentifier() or uses != len(keys) + 1 or len(keys) == len(kept):
        return f"{where}: {results} is used in other ways than by a call's tool name"
    splices = [Splice(*_key_span(source, node), f"{match[1]}.id") for node, match in keys]
    after = source.edited(splices)
    test = _test(source, function, sources)
    if after is None or isinstance(test, str):
        return test if isinstance(test, str) else f"{source.path} would not parse after the edit"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Give each parallel tool call its own result",
        rationale=(
            f"{where} keeps results by the tool's name, so of two calls of one tool in one answer, both get the "
            "last result. "
            "Now they are kept by the call's id, which is what each result is sent back under."
        ),
        risk="None is known: a call's id is unique within an answer.",
    )


def _key_of(source: Source, node: cst.Subscript) -> re.Match[str] | None:
    return _BY_NAME.match(source.code(node.slice[0].slice)) if len(node.slice) == 1 else None


def _key_span(source: Source, node: cst.Subscript) -> tuple[int, int]:
    return source.span(node.slice[0].slice)


def _test(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    """Return a test in which the step that runs one tool echoes its arguments."""
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return entry
    runner = _runner(source, function)
    if runner is None or source.path != entry.source.path:
        return f"{function.name.value}() runs its tools in a way that no test can stand in for"
    echo = 'lambda *args, **_kwargs: " ".join(str(arg) for arg in args)'
    owner = f"subject.{runner[5:]}" if runner.startswith("self.") else ""
    patch = (
        f"subject.{runner[5:]} = {echo}"
        if owner
        else f'monkeypatch.setattr({entry.imported.module}, "{runner}", {echo})'
    )
    return written_through(
        entry,
        sources,
        name="parallel_tool_results",
        doc="Two calls of one tool in one answer each get their own result.",
        text=OWN_RESULTS_TEST,
        setup=[*entry.call.setup, patch],
    )


def _runner(source: Source, function: cst.FunctionDef) -> str | None:
    """Return the function that makes one call's result: the right-hand side of what is kept."""
    for node in source.find(cst.Assign, function.body):
        target = node.targets[0].target
        if isinstance(target, cst.Subscript) and _key_of(source, target) and isinstance(node.value, cst.Call):
            name = dotted(node.value.func)
            return name if name.removeprefix("self.").isidentifier() else None
    return None
