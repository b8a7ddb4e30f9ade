"""A `try` around one expression, whose error becomes a tool call's result."""

import re

import libcst as cst

from fixers.recipes.reporting import Report
from fixers.recipes.source import Source, Splice, dotted, free_name


def guarded(
    source: Source, node: cst.CSTNode, function: cst.FunctionDef, names: str = "JSONDecodeError|ValueError"
) -> bool:
    """Tell whether a `try` of the same function already catches one of these errors, or any."""
    for parent in source.ancestors(node):
        if parent is function:
            return False
        if isinstance(parent, cst.Try) and source.within(node, parent.body):
            caught = [source.code(handler.type) if handler.type else "Exception" for handler in parent.handlers]
            if any(re.search(rf"\b({names}|Exception|BaseException)\b", name) for name in caught):
                return True
        if isinstance(parent, cst.With) and any("suppress" in source.code(item.item) for item in parent.items):
            return True
    return False


def guarding(  # noqa: PLR0917 - where, what, and how it is told
    source: Source,
    call: cst.BaseExpression,
    parsed: str,
    statement: cst.SimpleStatementLine,
    report: Report,
    caught: str = "ValueError",
    named: str = "arguments",
    told: str = "",
) -> Splice:
    """Return the splice that puts `parsed` in the call's place, and what is caught of it into the report.

    `told` is the code of what is reported; by default the error's own words.
    """
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
        name = free_name(named, taken)
        assignment = f"{name} = {parsed}"
        rest = f"{newline}{indent}" + (data[start:begin] + name.encode() + data[finish:end]).decode()
    block = ["try:", f"{unit}{assignment}", f"except {caught}:" if told else f"except {caught} as {error}:"]
    block += [unit + text.replace("ERROR", told or f'f"Error: {{{error}}}"') for text in report.statements]
    return Splice(start, end, f"{newline}{indent}".join(block) + rest)


def _used_after(source: Source, name: str) -> bool:
    """Tell whether anything but an `except … as name` gives the name its value: the new `except` would delete it."""
    return any(dotted(target.target) == name for node in source.find(cst.Assign) for target in node.targets) or any(
        param.name.value == name for param in source.find(cst.Param)
    )
