"""Where new code goes in a file: imports among the imports, a helper above the function that needs it."""

from collections.abc import Sequence

import libcst as cst

from fixers.recipes.source import Source, Splice, free_name, reindent


def add_imports(source: Source, modules: Sequence[str]) -> list[Splice]:
    """Return the splices that add `import <module>` for each module that is not yet imported under its own name."""
    missing = sorted(set(modules) - imported_modules(source))
    imports = [line for line in source.module.body if _is_import(line) and not _is_future(line)]
    if imports:
        return [_beside_imports(source, _first_block(imports), name) for name in missing]
    return [_after_header(source, missing)] if missing else []


def helper_in(source: Source, user: cst.CSTNode, wanted: str, code: str) -> tuple[str, list[Splice]]:
    """Return a helper's name and the splices that add it; none where the file has the very same one already.

    Parameters
    ----------
    source, user
        The file, and what will call the helper.
    wanted
        The name, unless something else has it.
    code
        The function, with NAME where its name stands.

    """
    if _laid_out(source, code.replace("NAME", wanted)) in source.text:
        return wanted, []
    name = free_name(wanted, source.names())
    return name, [add_helper(source, user, code.replace("NAME", name))]


def add_helper(source: Source, user: cst.CSTNode, code: str) -> Splice:
    """Return the splice that puts module-level `code` above the top-level statement that holds `user`."""
    top = next((node for node in (user, *source.ancestors(user)) if node in source.module.body), None)
    if top is None:
        raise ValueError(f"not a node of {source.path}: {user!r}")
    start = _start_with_comments(source, top)
    return Splice(start, start, f"{_laid_out(source, code)}{_newline(source) * 3}")


def imported_modules(source: Source) -> set[str]:
    """Return the modules that module-level `import x` makes available as `x`."""
    return {
        name.evaluated_name
        for line in source.module.body
        if isinstance(line, cst.SimpleStatementLine)
        for statement in line.body
        if isinstance(statement, cst.Import)
        for name in statement.names
        if name.asname is None
    }


def _laid_out(source: Source, code: str) -> str:
    """Return code with four spaces a level as the file has it."""
    return reindent(code.strip("\n"), "", source.unit()).replace("\n", _newline(source))


def _newline(source: Source) -> str:
    return source.module.default_newline


def _is_import(line: cst.CSTNode) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Import | cst.ImportFrom)


def _is_future(line: cst.CSTNode) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.ImportFrom)
        and isinstance(line.body[0].module, cst.Name)
        and line.body[0].module.value == "__future__"
    )


def _first_block(imports: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
    """Return the imports up to the first blank line between them: the standard library's, where files are sorted."""
    block = [imports[0]]
    for line in imports[1:]:
        if not isinstance(line, cst.SimpleStatementLine) or line.leading_lines:
            break
        block.append(line)
    return block


def _beside_imports(source: Source, block: Sequence[cst.CSTNode], name: str) -> Splice:
    """Before the first import of the block that sorts later, as isort would; else at the block's end."""
    text = f"import {name}{_newline(source)}"
    for line in block:
        other = _imported(line)
        if other is None or other > name:
            start, _ = source.span(line)
            return Splice(start, start, text)
    end = _line_end(source, source.span(block[-1])[1])
    return Splice(end, end, text)


def _imported(line: cst.CSTNode) -> str | None:
    """Return the name of a plain `import x`; None for `from x import y`."""
    if isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Import):
        return line.body[0].names[0].evaluated_name
    return None


def _after_header(source: Source, names: Sequence[str]) -> Splice:
    """After the module docstring and `from __future__` lines, before anything else."""
    newline = _newline(source)
    text = "".join(f"import {name}{newline}" for name in names)
    header = [line for line in source.module.body if _is_docstring(source, line) or _is_future(line)]
    if header:
        end = _line_end(source, source.span(header[-1])[1])
        return Splice(end, end, f"{newline}{text}")
    start = _start_with_comments(source, source.module.body[0])
    return Splice(start, start, f"{text}{newline}")


def _is_docstring(source: Source, line: cst.CSTNode) -> bool:
    return (
        line is source.module.body[0]
        and isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and isinstance(line.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def _line_end(source: Source, position: int) -> int:
    """Return the byte after the newline that ends the line at `position`."""
    data = source.text.encode()
    found = data.find(b"\n", position)
    return len(data) if found < 0 else found + 1


def _start_with_comments(source: Source, top: cst.CSTNode) -> int:
    """Return the first byte of the statement's decorators and of the comments right above it."""
    start, _ = source.span(top)
    if isinstance(top, cst.FunctionDef | cst.ClassDef) and top.decorators:
        start = source.span(top.decorators[0])[0]
    data = source.text.encode()
    start = data.rfind(b"\n", 0, start) + 1
    while start > 0:
        above = data.rfind(b"\n", 0, start - 1) + 1
        if not data[above:start].lstrip().startswith(b"#"):
            break
        start = above
    return start
