"""A function that shortens a conversation by its own rules hands the system prompt back with the rest."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import call_of, parameters
from fixers.recipes.insert import helper_in
from fixers.recipes.layout import import_of
from fixers.recipes.recipe import NOTHING, ByDetector, Fix, Seen, first_fix
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.shortening import limit_in
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.syntax import parse

#: Enough for any limit in tokens that is worth having.
MANY_TURNS = 60
_MESSAGES = re.compile(r"^(messages|msgs|history|conversation|transcript|chat_history)$")
_SHORTENS = re.compile(
    r"shorten|trim|truncat|window|fit|prune|compact|recent|newest|limit|budget|last_(n|k|few|messages|turns)",
    re.IGNORECASE,
)
#: Of the first line of a docstring.
_SAYS_SO = re.compile(r"shorten|\btrim|truncat|window|prune|compact|newest|\bfits?\b", re.IGNORECASE)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_SYSTEM = re.compile(r"system|developer", re.IGNORECASE)
_LEAVES_OUT = re.compile(r"\[-|\[\w+:\]|\bpop\(|\bdel\b|\bbreak\b|\breversed\(|insert\(0")

_HELPER = '''
def NAME(messages, kept):
    """Return `kept` after the system prompts that the conversation begins with, where these are left out."""
    first = []
    for message in messages:
        if (message["role"] if isinstance(message, dict) else message.role) not in ("system", "developer"):
            break
        first.append(message)
    return list(kept) if list(kept[: len(first)]) == first else [*first, *kept]
'''

_TALK = '''
def long_talk(n_turns):
    """A system prompt, and as many questions with their answers."""
    messages = [{"role": "system", "content": "Be brief."}]
    for number in range(n_turns):
        messages.append({"role": "user", "content": f"question {number} " + "word " * 40})
        messages.append({"role": "assistant", "content": f"answer {number} " + "word " * 40})
    return messages
'''

_TEST = """
def test_a_shortened_conversation_begins_with_its_system_prompt():
    {import}

    messages = long_talk(N_TURNS)
SETUP
    kept = CALL
    assert kept[0]["role"] == "system"
    assert len(kept) < len(messages)
"""


@dataclass(frozen=True, slots=True)
class LostPrompt(ByDetector):
    """The recipe for functions that return part of a conversation and never speak of the system prompt."""

    name: str = "lost_prompt"
    layer: Layer = Layer.CONTEXT
    shown_by: frozenset[str] = frozenset({"lost_system_prompt"})

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Let the first such function return the system prompt too."""
        del seen
        tried = (
            _fix(source, function, returned, subject=subject, field=field, sources=sources)
            for source in harness_files(sources, diagnosis, _may_shorten)
            for function in source.find(cst.FunctionDef)
            for returned, subject, field in _returned(source, function)
        )
        return first_fix(tried, "no function returns part of a conversation regardless of its system prompt")


def _returned(source: Source, function: cst.FunctionDef) -> Iterator[tuple[cst.BaseExpression, str, str]]:
    """Yield what the function returns last: the messages, the parameter that they are of, and the field they are in."""
    body = source.code(function.body)
    doc = function.get_docstring(clean=False) or ""
    code = body.replace(doc, "", 1) if doc else body
    subject = next((p.name.value for p in parameters(function) if _MESSAGES.match(p.name.value)), "")
    if not subject or _SYSTEM.search(code) or not _LEAVES_OUT.search(code):
        return
    if not _is_called_for_it(function.name.value, source.path, doc):
        return
    values = [node.value for node in source.find(cst.Return, function.body) if node.value is not None]
    last = values[-1] if values else None
    if isinstance(last, cst.Name):
        yield last, subject, ""
    elif isinstance(last, cst.Call):
        for argument in last.args:
            if argument.keyword is not None and argument.keyword.value == "messages":
                yield argument.value, subject, ".messages"


def _is_called_for_it(name: str, path: str, doc: str) -> bool:
    """Tell whether a function's name or its file's says that it shortens; or its summary, in plainer words."""
    return bool(_SHORTENS.search(f"{name} {path.rpartition('/')[2]}") or _SAYS_SO.search(doc.strip().split("\n")[0]))


def _may_shorten(path: str, text: str) -> bool:
    """Tell whether a file has such a function, by the syntax tree of the standard library: that takes no time."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    lines = text.splitlines()
    return any(_may_be_one(node, path, lines) for node in ast.walk(tree) if isinstance(node, _FUNCTION))


def _may_be_one(node: ast.FunctionDef | ast.AsyncFunctionDef, path: str, lines: Sequence[str]) -> bool:
    named = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    if not any(_MESSAGES.match(each.arg) for each in named):
        return False
    doc = ast.get_docstring(node, clean=False) or ""
    if not _is_called_for_it(node.name, path, doc):
        return False
    code = "\n".join(lines[node.body[0].lineno - 1 : node.end_lineno]).replace(doc, "", 1)
    return bool(_LEAVES_OUT.search(code)) and not _SYSTEM.search(code)


def _fix(
    source: Source,
    function: cst.FunctionDef,
    returned: cst.BaseExpression,
    *,
    subject: str,
    field: str,
    sources: Mapping[str, str],
) -> Fix | str:
    where = f"{source.path}:{source.line(returned)}"
    if any(dotted(t.target) == subject for node in source.find(cst.Assign, function.body) for t in node.targets):
        return f"{where}: `{subject}` is no longer the whole conversation there"
    name, helper = helper_in(source, function, "_with_system_prompt", _HELPER)
    text = f"{name}({subject}, {source.code(returned)})"
    after = source.edited([Splice(*source.span(returned), text), *helper])
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, function, subject=subject, field=field, sources=sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Keep the system prompt when a conversation is shortened",
        rationale=(
            f"What {function.name.value}() returns at {where} leaves out the oldest messages whatever they are, so a "
            "long conversation goes on without its system prompt, and the model without its instructions. Now the "
            "system prompts that the conversation begins with stay in front of what is kept."
        ),
        risk="A request is longer by the system prompt, beyond the limit that the rest is held to.",
    )


def _test(
    source: Source, function: cst.FunctionDef, *, subject: str, field: str, sources: Mapping[str, str]
) -> Edit | str:
    imported = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    call = call_of(source, function, imported, {subject: "list(messages)"}, sources=sources)
    if isinstance(call, str):
        return call
    limit = next(
        (found for p in parameters(function) if (found := limit_in(source, p.name.value, function, sources))), 0
    )
    setup = "".join(f"    {line}\n" for line in call.setup)
    test = lines(_TEST).replace("N_TURNS", str(MANY_TURNS if limit > MANY_TURNS else limit + 6))
    return write_test(
        name="system_prompt_kept",
        doc="A conversation that is shortened begins with its system prompt.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[_TALK],
        test=test.replace("SETUP\n", setup).replace("CALL", call.awaited() + field),
    )
