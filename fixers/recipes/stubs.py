"""A stand-in for the harness's tools in a test: a tool called look_up, put where the loop looks for its tools."""

import re
from collections.abc import Iterator

import libcst as cst

from fixers.recipes.entry import Entry
from fixers.recipes.source import Source, dotted

#: A table that is looked into by a tool call's name.
BY_NAME = re.compile(r"""\[(\w*name|[\w.]+\.function\.name|\w+\["function"\]\["name"\])\](?=$|\()""", re.MULTILINE)
_GET_BY_NAME = re.compile(r"([\w.]+)\.get\((\w*name|[\w.]+\.function\.name)\)")
_RUNS_A_TOOL = re.compile(r"tool|dispatch|execute|call_function", re.IGNORECASE)


def tool_setup(source: Source, entry: Entry, loop: cst.CSTNode | None = None, *, stub: str | None = None) -> list[str]:
    """Return the lines that prepare a test's call, with the tool in place.

    Parameters
    ----------
    source
        The file that runs the tools.
    entry
        What the test calls.
    loop
        The loop that runs the tools, where the function that it calls may be replaced as a whole.
    stub
        What stands for the tool; by default one that answers "ok".

    """
    found = registries(source) if source.path == entry.source.path else {}
    found = {name: stub or answering for name, answering in found.items()}
    module = entry.imported.module
    shared = [
        f'monkeypatch.setitem({module}.{name}, "look_up", {stub})'
        for name, stub in sorted(found.items())
        if name in module_names(source)
    ]
    own = [
        f'{name.replace("self.", "subject.", 1)}["look_up"] = {stub}'
        for name, stub in sorted(found.items())
        if name.startswith("self.") and entry.call.receiver == "subject"
    ]
    replaced = [] if shared or own or loop is None else list(_replaced(source, loop, module))
    return [*shared, *replaced, *entry.call.setup, *own]


def registries(source: Source) -> dict[str, str]:
    """Return what is looked into by a tool call's name, and the stand-in that belongs there."""
    found: dict[str, str] = {}
    for subscript in source.find(cst.Subscript):
        if BY_NAME.search(source.code(subscript)) and (name := dotted(subscript.value)):
            found[name] = _stub(source, subscript)
    for call in source.find(cst.Call):
        if match := _GET_BY_NAME.fullmatch(source.code(call)):
            found[match[1]] = _stub(source, call)
    return {name: stub for name, stub in found.items() if not name.endswith(("result", "results"))}


def module_names(source: Source) -> set[str]:
    """Return the names that the module itself binds: functions, constants, imports."""
    found = {node.name.value for node in source.module.body if isinstance(node, cst.FunctionDef)}
    for line in source.module.body:
        for statement in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(statement, cst.Assign):
                found |= {dotted(target.target) for target in statement.targets}
            elif isinstance(statement, cst.AnnAssign):
                found.add(dotted(statement.target))
            elif isinstance(statement, cst.ImportFrom) and not isinstance(statement.names, cst.ImportStar):
                found |= {source.code(alias.asname.name if alias.asname else alias.name) for alias in statement.names}
    return found


def _stub(source: Source, lookup: cst.CSTNode) -> str:
    """Return a tool that answers "ok", awaitable where the file awaits what it looks up."""
    function = source.function_of(lookup)
    holder = source.nearest(lookup, cst.Assign)
    name = dotted(holder.targets[0].target) if holder is not None else ""
    names = [re.escape(text) for text in (name, source.code(lookup)) if text]
    awaited = function is not None and re.search(rf"await\s+({'|'.join(names)})\(", source.code(function))
    return 'lambda *_args, **_kwargs: asyncio.sleep(0, "ok")' if awaited else 'lambda *_args, **_kwargs: "ok"'


def _replaced(source: Source, loop: cst.CSTNode, module: str) -> Iterator[str]:
    """Yield the lines that replace the module's function that runs one tool."""
    called = {dotted(call.func): call for call in source.find(cst.Call, loop)}
    for name in sorted(set(called) & module_names(source)):
        if not _RUNS_A_TOOL.search(name) or re.search("schema|pars", name) or _makes_messages(source, name):
            continue
        if not isinstance(next(source.ancestors(called[name])), cst.Await):
            yield f'monkeypatch.setattr({module}, "{name}", lambda *_args, **_kwargs: "ok")'


def _makes_messages(source: Source, name: str) -> bool:
    """Tell whether a function returns whole tool messages, so that it is better left in place."""
    return any(
        function.name.value == name and "tool_call_id" in source.code(function)
        for function in source.find(cst.FunctionDef)
    )
