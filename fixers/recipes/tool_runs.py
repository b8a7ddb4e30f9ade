"""Where a harness runs a tool by the name that the model gave: `TOOLS[name](**arguments)`."""

from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from fixers.recipes.source import Source, dotted
from fixers.recipes.stubs import BY_NAME


class ToolRun(NamedTuple):
    """One such place."""

    call: cst.Call
    #: The table of tools, and the name that is looked up in it.
    lookup: cst.Subscript
    #: The call, with its `await` where there is one.
    awaited: cst.BaseExpression
    function: cst.FunctionDef
    statement: cst.SimpleStatementLine


def tool_runs(source: Source) -> Iterator[ToolRun]:
    """Yield the places of a file at which an error can be handled."""
    for call in source.find(cst.Call):
        function, statement, above = source.function_of(call), source.statement_of(call), next(source.ancestors(call))
        lookup = call.func
        if function is None or statement is None or len(statement.body) != 1 or not call.args:
            continue
        if isinstance(lookup, cst.Subscript) and BY_NAME.search(source.code(lookup)) and dotted(lookup.value):
            yield ToolRun(call, lookup, above if isinstance(above, cst.Await) else call, function, statement)


def runs_tools(_: str, text: str) -> bool:
    """Tell whether a file may hold such a place."""
    return BY_NAME.search(text) is not None
