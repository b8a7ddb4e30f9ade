"""Tool arguments that are empty, malformed or not an object no longer end the run: the model is told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import callers, entry_of
from fixers.recipes.guarding import guarded, guarding
from fixers.recipes.insert import helper_in
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import COMPLETION, lines, write_test
from fixers.recipes.reporting import Report, report_of
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.stubs import tool_setup

_MESSAGES = re.compile(
    r"Expecting (value|property name|',' delimiter|':' delimiter)|Unterminated string|Extra data|Invalid control char"
    r"|argument after \*\* must be a mapping|JSON object must be str"
)
_ARGUMENTS = re.compile(
    r"""(\.arguments|\[["']arguments["']\]|\.get\(["']arguments["'](,[^()]*)?\))(\s+or\s+["']\{\}["'])?$"""
)
_PARAMETER = re.compile(r"^(raw_?)?(tool_?)?(args|arguments)(_?(json|str|text|raw))?$")

_HELPER = '''
def NAME(text):
    """Return a tool call's arguments as a dict; no text means no arguments.

    Raises ValueError, in words meant for the model, when they are not one JSON object.
    """
    if not text or not text.strip():
        return {}
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the arguments are not valid JSON: {error}. Send one JSON object.") from error
    if not isinstance(arguments, dict):
        raise ValueError("the arguments are not a JSON object. Send one JSON object.")
    return arguments
'''

_TEST = """
def test_malformed_tool_arguments_are_reported_back_to_the_model(monkeypatch):
    broken = completion(calls=[("call_1", "look_up", '{"query": '), ("call_2", "look_up", "[1]")])
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else broken)
    {import}

SETUP
    CALL
    results = [m for m in sent[-1]["messages"] if m["role"] == "tool"]
    assert [m["tool_call_id"] for m in results] == ["call_1", "call_2"]
    assert all("JSON" in m["content"] for m in results)
"""


@dataclass(frozen=True, slots=True)
class _Site:
    """One call of a function of the repository that parses arguments."""

    source: Source
    call: cst.Call
    function: cst.FunctionDef

    def where(self) -> str:
        """Return path and line."""
        return f"{self.source.path}:{self.source.line(self.call)}"


@dataclass(frozen=True, slots=True)
class ToolArguments:
    """The recipe for `json.loads(call.function.arguments)` that nothing guards."""

    name: str = "tool_arguments"
    layer: Layer = Layer.OUTPUT

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the run ended in the parsing of what the model sent."""
        return mode.detector == "error" and most(failures, _is_parsing)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Guard the first parsing of tool arguments that ends the run when it fails."""
        del seen
        tried = (
            _fix(source, call, sources)
            for source in harness_files(sources, diagnosis, "json.loads(")
            for call in source.find(cst.Call)
            if dotted(call.func) == "json.loads" and (_parses_arguments(source, call) or _sites(source, call, sources))
        )
        return first_fix(tried, "nothing parses a tool call's arguments with json.loads")


def _is_parsing(failure: Failure) -> bool:
    return "JSONDecodeError" in failure.key or (
        failure.key in {"TypeError", "ValueError"} and bool(_MESSAGES.search(failure.message))
    )


def _parses_arguments(source: Source, call: cst.Call) -> bool:
    """Tell whether the text that is parsed is a tool call's arguments."""
    if len(call.args) != 1 or call.args[0].keyword is not None or call.args[0].star:
        return False
    text = source.code(call.args[0].value)
    if _ARGUMENTS.search(text):
        return True
    function = source.function_of(call)
    if function is None or not text.isidentifier():
        return False
    assigned = [
        source.code(node.value)
        for node in source.find(cst.Assign, function.body)
        if any(dotted(target.target) == text for target in node.targets)
    ]
    if assigned:
        return all(_ARGUMENTS.search(value) for value in assigned)
    named = {param.name.value for param in [*function.params.params, *function.params.kwonly_params]}
    return text in named and bool(_PARAMETER.match(text))


def _fix(source: Source, call: cst.Call, sources: Mapping[str, str]) -> Fix | str:  # noqa: PLR0911 - each has its reason
    where = f"{source.path}:{source.line(call)}"
    function = source.function_of(call)
    statement = source.statement_of(call)
    if function is None or statement is None:
        return f"{where} parses the arguments where no error can be handled"
    if guarded(source, call, function):
        return f"{where} already handles arguments that cannot be parsed"
    if sites := _sites(source, call, sources):
        return _fix_callers(source, call, sites, sources)
    if len(statement.body) != 1 or source.span(statement)[1] < source.span(call)[1]:
        return f"{where} has several statements on one line"
    report = report_of(source, call, function, statement, sources)
    if isinstance(report, str):
        return report
    after = _edited(source, call, statement, report)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, function, sources)
    if isinstance(test, str):
        return test
    return _fixed(where, [Edit(path=source.path, before=source.text, after=after)], test)


def _fixed(where: str, edits: Sequence[Edit], test: Edit) -> Fix:
    return Fix(
        edits=(*edits, test),
        regression_test=test.path,
        title="Report malformed tool arguments back to the model",
        rationale=(
            f"{where} parses the arguments of a tool call without a guard, so text that is not JSON ends the "
            "conversation. "
            "Now empty text means no arguments, and what is malformed or not an object becomes that call's tool "
            "result, "
            "so that the model can correct itself. Every call still gets exactly one tool message."
        ),
        risk="A model that never sends valid JSON now uses up the step limit instead of failing at once.",
    )


def _sites(source: Source, call: cst.Call, sources: Mapping[str, str]) -> list[_Site]:
    """Return where the function that only parses is called, when what it parses is tool calls' arguments."""
    function = source.function_of(call)
    if function is None or not _returns_parsed(source, call, function):
        return []
    name, found = function.name.value, []
    for file, caller in callers(source, function, sources):
        found += [
            _Site(file, use, caller)
            for use in file.find(cst.Call, caller.body)
            if file.code(use.func).rsplit(".", 1)[-1] == name and file.function_of(use) is caller and use.args
        ]
    given = [site.source.code(site.call.args[-1].value) for site in found]
    if _ARGUMENTS.search(source.code(call.args[0].value)) or (given and all(map(_ARGUMENTS.search, given))):
        return found
    return []


def _returns_parsed(source: Source, call: cst.Call, function: cst.FunctionDef) -> bool:
    """Tell whether a function returns what it has parsed, and nothing else."""
    holder = next(source.ancestors(call))
    names = {dotted(target.target) for target in holder.targets} if isinstance(holder, cst.Assign) else set()
    returned = [node.value for node in source.find(cst.Return, function.body)]
    last = returned[-1] if returned else None
    return last is not None and (last is call or dotted(last) in names - {""})


def _fix_callers(source: Source, call: cst.Call, sites: Sequence[_Site], sources: Mapping[str, str]) -> Fix | str:
    """Return the fix that lets the parsing function raise ValueError, and each of its callers report it."""
    helper, added = helper_in(source, call, "_parse_tool_arguments", _HELPER)
    splices: dict[str, list[Splice]] = {
        source.path: [
            Splice(*source.span(call.func), helper),
            *added,
        ]
    }
    files = {source.path: source, **{site.source.path: site.source for site in sites}}
    for site in sites:
        if guarded(site.source, site.call, site.function):
            continue
        statement = site.source.statement_of(site.call)
        if statement is None or len(statement.body) != 1:
            return f"{site.where()} parses the arguments where no error can be handled"
        report = report_of(site.source, site.call, site.function, statement, sources)
        if isinstance(report, str):
            return report
        code = site.source.code(site.call)
        splices.setdefault(site.source.path, []).append(guarding(site.source, site.call, code, statement, report))
    edits = []
    for path, file in files.items():
        after = file.edited(splices.get(path, []))
        if after is None:
            return f"{path} would not parse after the edit"
        edits += [Edit(path=path, before=file.text, after=after)] if after != file.text else []
    if not any(len(parts) > (2 if path == source.path else 0) for path, parts in splices.items()):
        return f"the callers of {source.path}:{source.line(call)} already handle arguments that cannot be parsed"
    test = _test(sites[0].source, sites[0].function, sources)
    return test if isinstance(test, str) else _fixed(f"{source.path}:{source.line(call)}", edits, test)


def _edited(source: Source, call: cst.Call, statement: cst.SimpleStatementLine, report: Report) -> str | None:
    """Return the file with the guard around the parsing and the tolerant parser above."""
    helper, added = helper_in(source, call, "_parse_tool_arguments", _HELPER)
    parsed = f"{helper}({source.code(call.args[0].value)})"
    splices = [
        guarding(source, call, parsed, statement, report),
        *added,
    ]
    return source.edited(splices)


def _test(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return entry
    setup = "\n".join(f"    {line}" for line in tool_setup(source, entry))
    return write_test(
        name="malformed_tool_arguments",
        doc="Tool arguments that cannot be parsed are reported back to the model.",
        imported=entry.imported,
        source=entry.source,
        sources=sources,
        helpers=[COMPLETION, entry.transport.fake_provider()],
        test=lines(_TEST).replace("SETUP\n", f"{setup}\n" if setup else "").replace("CALL", entry.call.awaited()),
    )
