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
from fixers.recipes.insert import add_helper
from fixers.recipes.recipe import Fix, most
from fixers.recipes.regression import COMPLETION, lines, write_test
from fixers.recipes.source import Source, Splice, dotted, free_name, harness_files
from fixers.recipes.stubs import tool_setup

_MESSAGES = re.compile(
    r"Expecting (value|property name|',' delimiter|':' delimiter)|Unterminated string|Extra data|Invalid control char"
    r"|argument after \*\* must be a mapping|JSON object must be str"
)
_ARGUMENTS = re.compile(
    r"""(\.arguments|\[["']arguments["']\]|\.get\(["']arguments["'](,[^()]*)?\))(\s+or\s+["']\{\}["'])?$"""
)
_PARAMETER = re.compile(r"^(raw_?)?(tool_?)?(args|arguments)(_?(json|str|text|raw))?$")
_GUARDS = re.compile(r"\b(JSONDecodeError|ValueError|Exception|BaseException)\b")
#: Skipped statements that do no harm when a malformed call moves on to the next one.
_HARMLESS = re.compile(r"^(log(ger|ging)?\.|print\()")

#: How a loop puts a result where the next request finds it.
_HANDING = re.compile(r"(append|add|extend|push|record|put|insert|tool|result|message)\w*$", re.IGNORECASE)
_CALL_ID = re.compile(r"""(\.|\["'|\b|_)id\b""")

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
class _Report:
    """How an error is handed to the model: statements with ERROR in place of the result."""

    statements: tuple[str, ...]


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

    def apply(
        self, sources: Mapping[str, str], diagnosis: Diagnosis, *, replay: Sequence[str] | None = None
    ) -> Fix | str:
        """Guard the first parsing of tool arguments that ends the run when it fails."""
        del replay
        reasons = []
        for source in harness_files(sources, diagnosis, "json.loads("):
            for call in source.find(cst.Call):
                if dotted(call.func) == "json.loads" and (
                    _parses_arguments(source, call) or _sites(source, call, sources)
                ):
                    fix = _fix(source, call, sources)
                    if isinstance(fix, Fix):
                        return fix
                    reasons.append(fix)
        return reasons[0] if reasons else "nothing parses a tool call's arguments with json.loads"


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
    if _guarded(source, call, function):
        return f"{where} already handles arguments that cannot be parsed"
    if sites := _sites(source, call, sources):
        return _fix_callers(source, call, sites, sources)
    if len(statement.body) != 1 or source.span(statement)[1] < source.span(call)[1]:
        return f"{where} has several statements on one line"
    report = _report(source, call, function, statement, sources)
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
    helper = free_name("_parse_tool_arguments", source.names())
    splices: dict[str, list[Splice]] = {
        source.path: [
            Splice(*source.span(call.func), helper),
            add_helper(source, call, _HELPER.replace("NAME", helper)),
        ]
    }
    files = {source.path: source, **{site.source.path: site.source for site in sites}}
    for site in sites:
        if _guarded(site.source, site.call, site.function):
            continue
        statement = site.source.statement_of(site.call)
        if statement is None or len(statement.body) != 1:
            return f"{site.where()} parses the arguments where no error can be handled"
        report = _report(site.source, site.call, site.function, statement, sources)
        if isinstance(report, str):
            return report
        code = site.source.code(site.call)
        splices.setdefault(site.source.path, []).append(_guarding(site.source, site.call, code, statement, report))
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


def _guarded(source: Source, call: cst.Call, function: cst.FunctionDef) -> bool:
    """Tell whether a `try` of the same function already catches what json.loads raises."""
    for parent in source.ancestors(call):
        if parent is function:
            return False
        if isinstance(parent, cst.Try) and source.within(call, parent.body):
            caught = [source.code(handler.type) if handler.type else "Exception" for handler in parent.handlers]
            if any(_GUARDS.search(name) for name in caught):
                return True
        if isinstance(parent, cst.With) and any("suppress" in source.code(item.item) for item in parent.items):
            return True
    return False


def _report(
    source: Source,
    call: cst.Call,
    function: cst.FunctionDef,
    statement: cst.SimpleStatementLine,
    sources: Mapping[str, str],
) -> _Report | str:
    """Return how an error reaches the model from here: through the loop over the calls, or a return."""
    loop = next((node for node in source.ancestors(call) if isinstance(node, cst.For | cst.FunctionDef)), None)
    if isinstance(loop, cst.For) and _over_calls(source, loop, call):
        return _in_loop(source, loop, statement)
    return _in_function(source, function, sources)


def _over_calls(source: Source, loop: cst.For, call: cst.Call) -> bool:
    """Tell whether each turn of the loop is one tool call."""
    names = {node.value for node in source.find(cst.Name, loop.target)} | (
        {loop.target.value} if isinstance(loop.target, cst.Name) else set()
    )
    used = {node.value for node in source.find(cst.Name, call.args[0])}
    local = {
        name.value
        for node in source.find(cst.Assign, loop.body)
        if any(dotted(target.target) in used for target in node.targets)
        for name in source.find(cst.Name, node.value)
    }
    return bool(names & (used | local))


def _in_loop(source: Source, loop: cst.For, statement: cst.SimpleStatementLine) -> _Report | str:
    """Find the statement that keeps the call's result; the error takes the result's place, and the loop moves on."""
    where = f"{source.path}:{source.line(statement)}"
    body = loop.body.body if isinstance(loop.body, cst.IndentedBlock) else ()
    after = [line for line in body if source.span(line)[0] >= source.span(statement)[1]]
    parsed = _bound(statement)
    for index, line in enumerate(after):
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        text = _kept(source, line.body[0]) or _handed_over(source, line.body[0], parsed, after[:index])
        if text is None:
            continue
        rest = [source.code(other) for other in after[index + 1 :]]
        if not all(_HARMLESS.match(code) for code in rest):
            return f"{where}: the loop does more after a tool's result is kept, which a malformed call would skip"
        if unknown := _unknown(source, text, loop, statement, after[: index + 1]):
            return f"{where}: `{unknown}` is not known yet where the arguments are parsed"
        return _Report((text, "continue"))
    return f"{where}: where the loop keeps a tool's result is not plain"


def _kept(source: Source, statement: cst.BaseSmallStatement) -> str | None:
    """Return the statement that keeps one call's result, with ERROR in its place; None for any other."""
    code = source.code(statement)
    if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call) and statement.value.args:
        method = source.code(statement.value.func).rsplit(".", 1)[-1]
        message = statement.value.args[0].value
        if method == "append" and (content := _content(source, message)):
            return _replaced(source, statement, content)
    if isinstance(statement, cst.Assign) and len(statement.targets) == 1:
        target = statement.targets[0].target
        if isinstance(target, cst.Subscript) and _feeds_content(source, target):
            return _replaced(source, statement, statement.value)
    return code if "ERROR" in code else None


def _handed_over(
    source: Source, statement: cst.BaseSmallStatement, parsed: set[str], before: Sequence[cst.CSTNode]
) -> str | None:
    """Return a call that gives the loop's own history what came of the arguments, with ERROR in that place."""
    if not isinstance(statement, cst.Expr) or not _HANDING.search(source.code(statement.value).split("(")[0]):
        return None
    if not _CALL_ID.search(source.code(statement)):
        return None  # a result without its call's id is no answer to the model
    results = set(parsed)
    for line in before:
        if results & {node.value for node in source.find(cst.Name, line)}:
            results |= _bound(line)
    used = [node for node in source.find(cst.Name, statement) if node.value in results]
    part: cst.CSTNode | None = next((node for node in used if node.value not in parsed), None)
    if part is None and used:
        # The tool is run in the same breath: the whole call gives way.
        inner = source.nearest(used[0], cst.Call)
        part = inner if inner is not None and source.within(inner, statement) else None
        if part is not None and source.code(part) == source.code(statement).removeprefix("await "):
            return None
        above = next(source.ancestors(part), None) if part is not None else None
        part = above if isinstance(above, cst.Await) else part
    return _replaced(source, statement, part) if part is not None else None


def _bound(line: cst.CSTNode) -> set[str]:
    """Return the plain names that a simple statement gives a value."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    targets = [target.target for target in small.targets] if isinstance(small, cst.Assign) else []
    parts = [
        part
        for target in targets
        for part in ([e.value for e in target.elements] if isinstance(target, cst.Tuple) else [target])
    ]
    return {dotted(part) for part in parts} - {""}


def _content(source: Source, message: cst.BaseExpression) -> cst.BaseExpression | None:
    """Return the content of a tool message written as a dict."""
    if isinstance(message, cst.Dict):
        fields = {
            source.code(element.key).strip("\"'"): element.value
            for element in message.elements
            if isinstance(element, cst.DictElement)
        }
        role = fields.get("role")
        if role is not None and source.code(role).strip("\"'") == "tool":
            return fields.get("content")
    if isinstance(message, cst.Call) and dotted(message.func) == "dict":
        named = {arg.keyword.value: arg.value for arg in message.args if arg.keyword is not None}
        if "role" in named and source.code(named["role"]).strip("\"'") == "tool":
            return named.get("content")
    return None


def _feeds_content(source: Source, target: cst.Subscript) -> bool:
    """Tell whether what is kept under `results[...]` becomes the content of a tool message of the same function."""
    function = source.function_of(target)
    name = dotted(target.value)
    if function is None or not name:
        return False
    contents = [
        content for node in source.find(cst.Dict, function.body) if (content := _content(source, node)) is not None
    ]
    return any(source.code(content).startswith((f"{name}[", f"{name}.get(", f"str({name}[")) for content in contents)


def _replaced(source: Source, statement: cst.CSTNode, part: cst.CSTNode) -> str:
    """Return the statement's text with ERROR in place of one of its parts."""
    data = source.text.encode()
    start, end = source.span(statement)
    inner_start, inner_end = source.span(part)
    return (data[start:inner_start] + b"ERROR" + data[inner_end:end]).decode()


def _unknown(
    source: Source, text: str, loop: cst.For, statement: cst.SimpleStatementLine, until: Sequence[cst.CSTNode]
) -> str | None:
    """Return a name that the statement uses and that is given its value only after the arguments are parsed."""
    late = {
        dotted(target.target)
        for line in (statement, *until)
        for node in source.find(cst.Assign, line)
        for target in node.targets
    }
    earlier = {
        dotted(target.target)
        for node in source.find(cst.Assign, source.function_of(loop) or source.module)
        if source.span(node)[1] <= source.span(statement)[0]
        for target in node.targets
    }
    used = {node.value for node in _names_of(text)}
    return min((used & (late - earlier - {""})), default=None)


def _names_of(text: str) -> list[cst.Name]:
    parsed = Source.parse("", text + "\n")
    return parsed.find(cst.Name) if parsed is not None else []


def _in_function(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> _Report | str:
    """Find what the function returns: a tool message as a dict, or the text that becomes one's content."""
    name = function.name.value
    returned = [node.value for node in source.find(cst.Return, function.body) if source.function_of(node) is function]
    if not returned or any(value is None for value in returned):
        return f"{name}() has no result in which the model could be told"
    messages = [(value, _content(source, value)) for value in returned if value is not None]
    if all(content is not None for _, content in messages):
        value, content = messages[-1]
        if content is None:
            return f"{name}() has no result in which the model could be told"
        return _Report((f"return {_replaced(source, value, content)}",))
    if any(content is not None for _, content in messages):
        return f"{name}() returns results of different kinds"
    annotation = source.code(function.returns.annotation) if function.returns else ""
    if annotation == "str" or (not annotation and _is_content_of_callers(source, name)):
        return _Report(("return ERROR",))
    return _in_callers(source, function, sources) or f"what {name}() returns is not plainly the text of a tool result"


def _in_callers(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> _Report | None:
    """Return the plain text where another file makes tool messages of what an unannotated function returns."""
    if function.returns is not None:
        return None
    if any("tool_call_id" in file.code(caller) for file, caller in callers(source, function, sources)):
        return _Report(("return ERROR",))
    return None


def _is_content_of_callers(source: Source, name: str) -> bool:
    """Tell whether the file's own tool messages take their content from this function."""
    contents = [source.code(found) for node in source.find(cst.Dict) if (found := _content(source, node)) is not None]
    kept = {
        dotted(node.targets[0].target)
        for node in source.find(cst.Assign)
        if re.match(rf"(await\s+)?(self\.)?{name}\(", source.code(node.value))
    }
    return bool(contents) and all(
        re.match(rf"(await\s+)?(self\.)?{name}\(", text) or re.sub(r"^(str|json\.dumps)\((\w+)\)$", r"\2", text) in kept
        for text in contents
    )


def _edited(source: Source, call: cst.Call, statement: cst.SimpleStatementLine, report: _Report) -> str | None:
    """Return the file with the guard around the parsing and the tolerant parser above."""
    helper = free_name("_parse_tool_arguments", source.names())
    parsed = f"{helper}({source.code(call.args[0].value)})"
    splices = [
        _guarding(source, call, parsed, statement, report),
        add_helper(source, call, _HELPER.replace("NAME", helper)),
    ]
    return source.edited(splices)


def _guarding(
    source: Source, call: cst.Call, parsed: str, statement: cst.SimpleStatementLine, report: _Report
) -> Splice:
    """Return the splice that puts `parsed` in the call's place, and a ValueError of it into the report."""
    taken = source.names()
    error = free_name("error", taken if _used_after(source, "error") else set())
    indent, unit, newline = source.indent(statement), source.unit(), source.module.default_newline
    start, end = source.span(statement)
    begin, finish = source.span(call)
    data = source.text.encode()
    whole = statement.body[0]
    if isinstance(whole, cst.Assign) and whole.value is call:
        assignment, rest = (data[start:begin] + parsed.encode() + data[finish:end]).decode(), ""
    else:
        name = free_name("arguments", taken)
        assignment = f"{name} = {parsed}"
        rest = f"{newline}{indent}" + (data[start:begin] + name.encode() + data[finish:end]).decode()
    block = ["try:", f"{unit}{assignment}", f"except ValueError as {error}:"]
    block += [unit + text.replace("ERROR", f'f"Error: {{{error}}}"') for text in report.statements]
    return Splice(start, end, f"{newline}{indent}".join(block) + rest)


def _used_after(source: Source, name: str) -> bool:
    """Tell whether anything but an `except … as name` gives the name its value: the new `except` would delete it."""
    return any(dotted(target.target) == name for node in source.find(cst.Assign) for target in node.targets) or any(
        param.name.value == name for param in source.find(cst.Param)
    )


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
