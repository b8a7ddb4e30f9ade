"""Results that are collected in the order in which tools end are collected in the order of the calls."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import libcst as cst

from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import entry_of
from fixers.recipes.insert import add_imports
from fixers.recipes.layout import import_of
from fixers.recipes.recipe import NOTHING, ByDetector, Fix, Seen, first_fix
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.through import written_through

_COMPLETED = re.compile(r"(^|\.)as_completed$")
_CALLS = re.compile(r"calls?\b|tool", re.IGNORECASE)

#: Two calls of one tool; the step that runs one of them answers with its arguments.
OWN_RESULTS_TEST = """
def test_each_tool_call_gets_its_own_result(monkeypatch):
    calls = [("call_1", "look_up", '{"query": "slow"}'), ("call_2", "look_up", '{"query": "fast"}')]
    asked = completion(calls=calls)
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else asked)
    {import}

SETUP
    CALL
    results = {m["tool_call_id"]: m["content"] for m in sent[-1]["messages"] if m["role"] == "tool"}
    assert "slow" in results["call_1"]
    assert "fast" in results["call_2"]
"""


class _Place(NamedTuple):
    """A loop over what is completed first, and what it becomes."""

    node: cst.CSTNode
    splices: list[Splice]


@dataclass(frozen=True, slots=True)
class JoinedResults(ByDetector):
    """The recipe for `as_completed` whose results are matched with the calls by position."""

    name: str = "joined_results"
    layer: Layer = Layer.TOOL_CODE
    shown_by: frozenset[str] = frozenset({"tool_result_mismatch"})

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Collect the results of the first such place in the order of the calls."""
        del seen
        files = harness_files(sources, diagnosis, "as_completed(")
        tried = (_fix(source, place, sources) for source in files for place in _places(source))
        return first_fix(tried, "no results are collected in the order in which tools end")


def _places(source: Source) -> Iterator[_Place]:
    for made in source.find(cst.ListComp):
        loop = made.for_in
        if not isinstance(loop.iter, cst.Call) or not _COMPLETED.search(dotted(loop.iter.func)) or loop.ifs:
            continue
        function = source.function_of(made)
        if function is None or len(loop.iter.args) != 1 or not _matched_by_position(source, made, function):
            continue
        waiting = source.code(loop.iter.args[0].value)
        name = source.code(loop.target)
        if source.code(made.elt) == f"await {name}":
            imports = add_imports(source, ["asyncio"])
            yield _Place(made, [Splice(*source.span(made), f"await asyncio.gather(*{waiting})"), *imports])
        elif source.code(made.elt) == f"{name}.result()" and _in_order(source, loop.iter.args[0].value, function):
            yield _Place(made, [Splice(*source.span(loop.iter), waiting)])


def _matched_by_position(source: Source, made: cst.ListComp, function: cst.FunctionDef) -> bool:
    """Tell whether the list is zipped with the calls, or indexed by their number."""
    holder = next(source.ancestors(made))
    name = dotted(holder.targets[0].target) if isinstance(holder, cst.Assign) else ""
    if not name:
        return bool(re.search(r"\bzip\($", source.text[: source.text.find(source.code(made))]))
    zipped = [call for call in source.find(cst.Call, function.body) if dotted(call.func) == "zip"]
    return any(
        any(source.code(arg.value) == name for arg in call.args)
        and any(_CALLS.search(source.code(arg.value)) for arg in call.args)
        for call in zipped
    )


def _in_order(source: Source, futures: cst.BaseExpression, function: cst.FunctionDef) -> bool:
    """Tell whether the futures are a list in the order of the calls."""
    if isinstance(futures, cst.List | cst.ListComp):
        return True
    name = dotted(futures)
    values = [
        node.value for node in source.find(cst.Assign, function.body) if dotted(node.targets[0].target) == name != ""
    ]
    return len(values) == 1 and isinstance(values[0], cst.List | cst.ListComp)


def _fix(source: Source, place: _Place, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.node)}"
    function = source.function_of(place.node)
    after = source.edited(place.splices)
    if after is None or function is None:
        return f"{source.path} would not parse after the edit"
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return f"{where}: {entry}"
    echo = _echo(source, place, function, sources)
    if echo is None:
        return f"{where}: the tools run in a way that no test can stand in for"
    test = written_through(
        entry,
        sources,
        name="results_in_order",
        doc="Each tool call gets its own result, whichever ends first.",
        text=OWN_RESULTS_TEST,
        setup=[*entry.call.setup, *echo],
    )
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Give each tool call its own result, whichever ends first",
        rationale=(
            f"{where} takes results in the order in which the tools end and matches them with the calls by position, "
            "so the model is shown another call's result whenever a later one is faster. Now they are in the order of "
            "the calls; they still run at the same time."
        ),
        risk="None is known: the same tools run at the same time.",
    )


def _echo(source: Source, place: _Place, function: cst.FunctionDef, sources: Mapping[str, str]) -> list[str] | None:
    """Return the lines that let the step that runs one call answer with its arguments, the first one last."""
    inner = [call for call in source.find(cst.Call, place.node) if not _COMPLETED.search(dotted(call.func))]
    is_async = "await" in source.code(place.node)
    runner = next((dotted(call.func) for call in inner if call.args), "") if is_async else _submitted(source, function)
    owner, imported = source.class_of(function), import_of(source.path, sources)
    is_method = runner.startswith("self.")
    name = runner.removeprefix("self.")
    if imported is None or not name.isidentifier() or (is_method and owner is None):
        return None
    parts = [imported.package, imported.module, owner.name.value if is_method and owner is not None else "", name]
    first = "_self, " if is_method else ""
    wait = "await asyncio.wait_for(fast_is_done.wait(), 5)" if is_async else "fast_is_done.wait(5)"
    # Done is not yet collected: the slow one ends when the fast one's result has been taken.
    pause = "await asyncio.sleep(0.2)" if is_async else "threading.Event().wait(0.2)"
    return [
        f"fast_is_done = {'asyncio' if is_async else 'threading'}.Event()",
        "",
        f"{'async ' if is_async else ''}def echo({first}*args):",
        '    said = " ".join(str(arg) for arg in args)',
        '    if "slow" in said:',
        f"        {wait}",
        f"        {pause}",
        "    else:",
        "        fast_is_done.set()",
        "    return said",
        "",
        f'monkeypatch.setattr("{".".join(filter(None, parts))}", echo)',
    ]


def _submitted(source: Source, function: cst.FunctionDef) -> str:
    """Return the function that is submitted to an executor."""
    for call in source.find(cst.Call, function.body):
        if dotted(call.func).endswith(".submit") and call.args:
            return dotted(call.args[0].value)
    return ""
