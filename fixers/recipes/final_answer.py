"""A tool loop that reaches its limit asks once more, without tools, instead of losing what it has found."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import entry_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import COMPLETION, lines, write_test
from fixers.recipes.source import Source, Splice, dotted, harness_files, keyword
from fixers.recipes.stubs import tool_setup

_LIMIT = re.compile(
    r"(max|too.?many|limit|exceeded).*(step|turn|iteration|tool)|(step|turn|iteration)s?.*(limit|exceeded)",
    re.IGNORECASE,
)
_TOOL_SETTINGS = ("tools", "tool_choice", "parallel_tool_calls")

_TEST = '''
def test_the_answer_is_kept_when_the_step_limit_is_reached(monkeypatch):
    """A model that calls tools for as long as it is offered any, and answers when it is not."""
    look_up = completion(calls=[("call_1", "look_up", "{}")])
    fake_provider(monkeypatch, lambda request: look_up if request.get("tools") else completion("found it"))
    {import}

SETUP
    answer = CALL
    assert "found it" in str(answer)
'''

_Item = TypeVar("_Item", bound=cst.Arg | cst.BaseDictElement)
Loop = cst.For | cst.While


@dataclass(frozen=True, slots=True)
class _Exit:
    """How the loop ends with an answer: a return, or a name that is set before a break."""

    #: The statements from the model's call to the answer, ready to be copied.
    statements: tuple[cst.SimpleStatementLine, ...]
    returns: bool


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """The recipe for bounded loops that fall out without an answer."""

    name: str = "final_answer"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether runs ended at the step limit, or without any answer."""
        if mode.detector == "limit":
            return not most(failures, lambda failure: failure.key == "length")
        if mode.detector == "error":
            return most(failures, lambda failure: bool(_LIMIT.search(f"{failure.key} {failure.message}")))
        return mode.detector == "empty_answer"

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Let the first such loop ask once more."""
        del seen
        files = harness_files(sources, diagnosis, "tools")
        tried = (
            _fix(source, loop, sources) for source in files for loop in _loops(source) if _is_bounded(source, loop)
        )
        return first_fix(tried, "no bounded loop asks the model with tools")


def _loops(source: Source) -> list[Loop]:
    return [*source.find(cst.For), *source.find(cst.While)]


def _is_bounded(source: Source, loop: Loop) -> bool:
    """Tell whether the loop counts steps, and asks a model with tools itself."""
    counted = (
        source.code(loop.iter).startswith("range(")
        if isinstance(loop, cst.For)
        else isinstance(loop.test, cst.Comparison | cst.BooleanOperation)
    )
    return (
        counted
        and any(_asks_with_tools(source, node) for node in source.find(cst.Call, loop.body))
        and (source.function_of(loop) is not None)
    )


def _asks_with_tools(source: Source, call: cst.Call) -> bool:
    """Tell whether a call sends a request for a chat completion."""
    name = source.code(call.func)
    return name.endswith(".chat.completions.create") or (name.endswith("post") and "chat/completions" in source.text)


def _fix(source: Source, loop: Loop, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(loop)}"
    function = source.function_of(loop)
    exit_ = _exit(source, loop)
    if isinstance(exit_, str) or function is None:
        return f"{where}: {exit_}"
    splice = _splice(source, loop, exit_)
    if isinstance(splice, str):
        return f"{where}: {splice}"
    after = source.edited([splice])
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, loop, function, sources)
    if isinstance(test, str):
        return test
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Answer from what was found when the step limit is reached",
        rationale=(
            f"The loop at {where} ends at its limit without an answer, although the tools' results are in the "
            "messages. "
            "Now the model is asked once more without tools, so that it answers from what it has."
        ),
        risk="A conversation that reaches the limit costs one more request.",
    )


def _exit(source: Source, loop: Loop) -> _Exit | str:
    """Return the loop's way to an answer, from the model's call on."""
    if not isinstance(loop.body, cst.IndentedBlock):
        return "the loop is on one line"
    body = list(loop.body.body)
    for index, line in enumerate(body):
        block = _answering(line)
        if block is None:
            continue
        last = block[-1].body[-1]
        ends = block[:-1] if isinstance(last, cst.Break) else block
        if isinstance(last, cst.Break) and not any(isinstance(simple.body[0], cst.Assign) for simple in ends):
            continue
        chain = _chain(source, body[:index], ends)
        if isinstance(chain, str):
            return chain
        return _Exit(statements=(*chain, *ends), returns=isinstance(last, cst.Return))
    return "how it ends with an answer is not plain"


def _answering(line: cst.BaseStatement) -> list[cst.SimpleStatementLine] | None:
    """Return the simple statements that end the loop with an answer: of an `if`, or the loop's own return."""
    if isinstance(line, cst.SimpleStatementLine):
        return [line] if isinstance(line.body[0], cst.Return) and line.body[0].value is not None else None
    if not isinstance(line, cst.If) or line.orelse is not None or not isinstance(line.body, cst.IndentedBlock):
        return None
    block = [inner for inner in line.body.body if isinstance(inner, cst.SimpleStatementLine) and len(inner.body) == 1]
    if not block or len(block) != len(line.body.body):
        return None
    last = block[-1].body[0]
    returns = isinstance(last, cst.Return) and last.value is not None
    return block if returns or isinstance(last, cst.Break) else None


def _chain(
    source: Source, before: Sequence[cst.BaseStatement], ends: Sequence[cst.SimpleStatementLine]
) -> list[cst.SimpleStatementLine] | str:
    """Return the loop's assignments that lead from the model's call to the answer, in order."""
    needed = {name.value for line in ends for name in source.find(cst.Name, line)}
    chain: list[cst.SimpleStatementLine] = []
    found = without = False
    for line in reversed(before):
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        if not _serves(source, line.body[0], needed):
            continue
        needed |= {name.value for name in source.find(cst.Name, line)}
        asks = any(_asks_with_tools(source, call) for call in source.find(cst.Call, line))
        if "stream" in source.code(line) and asks:
            return "the answer is streamed"
        changed = _without_tools(source, line)
        without = without or changed is not line
        found = found or asks
        chain.append(changed)
    if not found:
        return "the way from the model's answer to the result is not plain"
    if not without:
        return "where the request offers its tools is not plain"
    return chain[::-1]


def _serves(source: Source, statement: cst.BaseSmallStatement, needed: set[str]) -> bool:
    """Tell whether a statement gives one of the needed names its value, or checks it."""
    if isinstance(statement, cst.Assign) and len(statement.targets) == 1:
        return dotted(statement.targets[0].target) in needed
    if isinstance(statement, cst.AnnAssign) and statement.value is not None:
        return dotted(statement.target) in needed
    code = source.code(statement)
    return isinstance(statement, cst.Expr) and code.endswith(".raise_for_status()") and code.split(".")[0] in needed


def _without_tools(source: Source, line: cst.SimpleStatementLine) -> cst.SimpleStatementLine:
    """Return the statement with no tools offered: neither as arguments nor in a literal request body."""
    changed: cst.CSTNode = line
    for call in source.find(cst.Call, line):
        if _asks_with_tools(source, call) and keyword(call, "tools") is not None:
            kept = [arg for arg in call.args if arg.keyword is None or arg.keyword.value not in _TOOL_SETTINGS]
            changed = changed.with_deep_changes(call, args=_closed(call.args, kept))
    for body in source.find(cst.Dict, line):
        kept_items = [item for item in body.elements if _key(source, item) not in _TOOL_SETTINGS]
        if len(kept_items) != len(body.elements) and any(_key(source, item) == "messages" for item in body.elements):
            changed = changed.with_deep_changes(body, elements=_closed(body.elements, kept_items))
    return changed if isinstance(changed, cst.SimpleStatementLine) else line


def _closed(items: Sequence[_Item], kept: Sequence[_Item]) -> list[_Item]:
    """Return `kept` with its last item ending as the last of `items` did: the comma and the line of the bracket."""
    last, comma = items[-1], kept[-1].comma if kept else None
    if not kept or kept[-1] is last:
        return list(kept)
    if isinstance(comma, cst.Comma) and isinstance(last.comma, cst.Comma):
        ours, theirs = comma.whitespace_after, last.comma.whitespace_after
        if isinstance(ours, cst.ParenthesizedWhitespace) and isinstance(theirs, cst.ParenthesizedWhitespace):
            # The comment behind the kept item stays.
            ours = ours.with_changes(indent=theirs.indent, last_line=theirs.last_line)
            return [*kept[:-1], _changed(kept[-1], comma=comma.with_changes(whitespace_after=ours))]
    changes: dict[str, Any] = {"comma": last.comma}
    if isinstance(last, cst.Arg):
        changes["whitespace_after_arg"] = last.whitespace_after_arg
    return [*kept[:-1], _changed(kept[-1], **changes)]


def _changed(item: _Item, **changes: Any) -> _Item:  # noqa: ANN401 - fields of a syntax node
    """Return the item with other fields, of the same type."""
    return cast("_Item", item.with_changes(**changes))


def _key(source: Source, item: cst.BaseDictElement) -> str:
    return source.code(item.key).strip("\"'") if isinstance(item, cst.DictElement) else ""


def _splice(source: Source, loop: Loop, exit_: _Exit) -> Splice | str:
    """Return the replacement of what follows the loop, or the `else` that it gets."""
    block = next(source.ancestors(loop))
    siblings = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    after = siblings[siblings.index(loop) + 1 :] if loop in siblings else []
    if exit_.returns:
        return _after_loop(source, loop, exit_, after)
    if loop.orelse is not None:
        return "what happens at the limit is decided already, by the loop's `else`"
    names = {
        dotted(node.targets[0].target) for line in exit_.statements if isinstance(node := line.body[0], cst.Assign)
    }
    returned = [source.code(line) for line in after]
    if not returned or not any(re.search(rf"\b{name}\b", returned[-1]) for name in names if name):
        return "what is set before the break is not what is returned"
    if len(after) > 1:
        return "something happens between the loop and the return"
    code = _text(source, exit_, source.indent(loop) + source.unit())
    end = _end(source, loop)
    newline = source.module.default_newline
    return Splice(end, end, f"{source.indent(loop)}else:{newline}{code}{newline}")


def _after_loop(source: Source, loop: Loop, exit_: _Exit, after: Sequence[cst.CSTNode]) -> Splice | str:
    if loop.orelse is not None:
        return "what happens at the limit is decided already, by the loop's `else`"
    indent, newline = source.indent(loop), source.module.default_newline
    code = _text(source, exit_, indent)
    if not after:
        if (
            not isinstance(source.function_of(loop), cst.FunctionDef)
            or source.nearest(loop, cst.IndentedBlock) is not (source.function_of(loop) or loop).body
        ):
            return "what follows the loop is not plain"
        end = _end(source, loop)
        return Splice(end, end, f"{code}{newline}")
    last = after[-1]
    if len(after) > 1 or not isinstance(last, cst.SimpleStatementLine) or not _loses(source, last):
        return "what follows the loop already gives an answer"
    return Splice(*source.span(last), code.lstrip())


def _loses(source: Source, line: cst.SimpleStatementLine) -> bool:
    """Tell whether a statement gives up: an empty or fixed text, None, an exception."""
    statement = line.body[0]
    if isinstance(statement, cst.Raise):
        return True
    if not isinstance(statement, cst.Return):
        return False
    value = statement.value
    if value is None or isinstance(value, cst.SimpleString | cst.ConcatenatedString) or source.code(value) == "None":
        return True
    function = source.function_of(line)
    assigned = [
        source.code(node.value)
        for node in (source.find(cst.Assign, function.body) if function is not None else ())
        if dotted(node.targets[0].target) == dotted(value) != ""
    ]
    return bool(assigned) and all(text in {'""', "''", "None"} for text in assigned)


def _end(source: Source, node: cst.CSTNode) -> int:
    """Return the byte after the node's last line."""
    data = source.text.encode()
    _, end = source.span(node)
    while end > 0 and data[end - 1 : end].isspace():
        end -= 1
    newline = data.find(b"\n", end)
    return len(data) if newline < 0 else newline + 1


def _text(source: Source, exit_: _Exit, indent: str) -> str:
    """Return the copied statements as text, under one line that says why."""
    code = "".join(source.module.code_for_node(line.with_changes(leading_lines=[])) for line in exit_.statements)
    comment = "# The limit is reached: without tools, the model answers from what it has found.\n"
    text = textwrap.indent((comment + code).replace("\r\n", "\n").rstrip("\n"), indent, lambda line: bool(line.strip()))
    return text.replace("\n", source.module.default_newline)


def _test(source: Source, loop: Loop, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    tools = next((name for name in ("tools", "tool_schemas", "functions") if name in _own(function)), None)
    offered = (
        '[{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]'
    )
    entry = entry_of(source, function, sources, {tools: offered} if tools else None)
    if isinstance(entry, str):
        return entry
    setup = tool_setup(source, entry, loop)
    text = "".join(f"    {line}\n" for line in setup)
    return write_test(
        name="answer_at_the_step_limit",
        doc="The agent answers when it reaches its step limit.",
        imported=entry.imported,
        source=entry.source,
        sources=sources,
        helpers=[COMPLETION, entry.transport.fake_provider()],
        test=lines(_TEST).replace("SETUP\n", text).replace("CALL", entry.call.awaited()),
    )


def _own(function: cst.FunctionDef) -> set[str]:
    return {param.name.value for param in function.params.params if param.default is None}
