"""How an error of one tool call reaches the model from where it happens: as that call's result."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from fixers.recipes.entry import callers
from fixers.recipes.source import Source, dotted

#: Skipped statements that do no harm when a malformed call moves on to the next one.
_HARMLESS = re.compile(r"^(log(ger|ging)?\.|print\()")
#: How a loop puts a result where the next request finds it.
_HANDING = re.compile(r"(append|add|extend|push|record|put|insert|tool|result|message)\w*$", re.IGNORECASE)
_CALL_ID = re.compile(r"""(\.|\["'|\b|_)id\b""")


@dataclass(frozen=True, slots=True)
class Report:
    """How an error is handed to the model: statements with ERROR in place of the result."""

    statements: tuple[str, ...]


def report_of(
    source: Source,
    call: cst.Call,
    function: cst.FunctionDef,
    statement: cst.SimpleStatementLine,
    sources: Mapping[str, str],
) -> Report | str:
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


def _in_loop(source: Source, loop: cst.For, statement: cst.SimpleStatementLine) -> Report | str:
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
        return Report((text, "continue"))
    return f"{where}: where the loop keeps a tool's result is not plain"


def _kept(source: Source, statement: cst.BaseSmallStatement) -> str | None:
    """Return the statement that keeps one call's result, with ERROR in its place; None for any other."""
    code = source.code(statement)
    if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call) and statement.value.args:
        method = source.code(statement.value.func).rsplit(".", 1)[-1]
        message = statement.value.args[0].value
        if method == "append" and (content := content_of(source, message)):
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


def content_of(source: Source, message: cst.BaseExpression) -> cst.BaseExpression | None:
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
        content for node in source.find(cst.Dict, function.body) if (content := content_of(source, node)) is not None
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


def _in_function(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Report | str:
    """Find what the function returns: a tool message as a dict, or the text that becomes one's content."""
    name = function.name.value
    returned = [node.value for node in source.find(cst.Return, function.body) if source.function_of(node) is function]
    if not returned or any(value is None for value in returned):
        return f"{name}() has no result in which the model could be told"
    messages = [(value, content_of(source, value)) for value in returned if value is not None]
    if all(content is not None for _, content in messages):
        value, content = messages[-1]
        if content is None:
            return f"{name}() has no result in which the model could be told"
        return Report((f"return {_replaced(source, value, content)}",))
    if any(content is not None for _, content in messages):
        return f"{name}() returns results of different kinds"
    annotation = source.code(function.returns.annotation) if function.returns else ""
    if annotation == "str" or (not annotation and _is_content_of_callers(source, name)):
        return Report(("return ERROR",))
    return _in_callers(source, function, sources) or f"what {name}() returns is not plainly the text of a tool result"


def _in_callers(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Report | None:
    """Return the plain text where another file makes tool messages of what an unannotated function returns."""
    if function.returns is not None:
        return None
    if any("tool_call_id" in file.code(caller) for file, caller in callers(source, function, sources)):
        return Report(("return ERROR",))
    return None


def _is_content_of_callers(source: Source, name: str) -> bool:
    """Tell whether the file's own tool messages take their content from this function."""
    contents = [source.code(found) for node in source.find(cst.Dict) if (found := content_of(source, node)) is not None]
    kept = {
        dotted(node.targets[0].target)
        for node in source.find(cst.Assign)
        if re.match(rf"(await\s+)?(self\.)?{name}\(", source.code(node.value))
    }
    return bool(contents) and all(
        re.match(rf"(await\s+)?(self\.)?{name}\(", text) or re.sub(r"^(str|json\.dumps)\((\w+)\)$", r"\2", text) in kept
        for text in contents
    )
