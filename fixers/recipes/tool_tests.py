"""Write a test in which the model calls a tool of the harness."""

from collections.abc import Callable, Mapping

import libcst as cst

from fixers.proposal import Edit
from fixers.recipes.entry import Entry, entry_of
from fixers.recipes.source import Source
from fixers.recipes.stubs import tool_setup
from fixers.recipes.through import written_through


def written_with_a_tool(
    source: Source,
    function: cst.FunctionDef,
    sources: Mapping[str, str],
    *,
    name: str,
    doc: str,
    text: Callable[[Entry], str],
    stub: str | None = None,
) -> Edit | str:
    """Return the edit that adds the test file, or why there is none.

    Parameters
    ----------
    source, function
        Where the tools are run.
    sources
        The repository.
    name, doc
        What the file is called for, and its docstring.
    text
        The test function for what the test calls, as `written_through` takes it; the tool is `look_up`.
    stub
        What stands for the tool; by default one that answers "ok".

    """
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return entry
    setup = tool_setup(source, entry, stub=stub)
    if not any("look_up" in line for line in setup):
        return "where the tools are kept is not plain"
    return written_through(entry, sources, name=name, doc=doc, text=text(entry), setup=setup)
