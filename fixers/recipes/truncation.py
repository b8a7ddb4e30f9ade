"""Shortening a conversation keeps the system prompt, and never parts a tool result from the call that it answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import call_of, parameters
from fixers.recipes.entry import asks_model, entry_of
from fixers.recipes.insert import add_helper
from fixers.recipes.layout import Import, import_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, most
from fixers.recipes.regression import COMPLETION, lines, usable, write_test
from fixers.recipes.source import Source, Splice, dotted, free_name, harness_files
from webhooks import semconv

_MESSAGES = re.compile(r"(^|[._])(messages|msgs|history|conversation|transcript|chat_history|turns)$")
#: What providers say of a request that they do not take; of a tool result without its call, or the other way round.
_REFUSED = re.compile(r"\bBadRequest(Error)?\b|\b400\b")
_PARTED = re.compile(
    r"role.{0,4}tool.{0,40}(must|should) (be|follow)|tool_call_ids? did not have response|preceed?ing mess",
    re.IGNORECASE,
)

#: The first message and the newest ones, in the two ways in which people join them.
_HEAD_AND_TAIL = re.compile(
    r"(?:\[ ?(?P<first>[\w.]+)\[0\], ?\*(?P<subject>[\w.]+)\[(?P<tail>[^\]:]+):\],? ?\]"
    r"|(?P<head>[\w.]+)\[:1\] ?\+ ?(?P<subject_>[\w.]+)\[(?P<tail_>[^\]:]+):\])"
)

_KEEP_RECENT = '''
def NAME(messages, limit):
    """Return the system prompts and the newest `limit` messages in all, whole exchanges with tools only.

    A tool result stays with the assistant message that asked for it, even where that makes a few messages more.
    """
    roles = [message["role"] if isinstance(message, dict) else message.role for message in messages]
    start = len(messages)
    room = max(limit - sum(role in ("system", "developer") for role in roles), 1)
    while start > 0 and (room > 0 or roles[start] == "tool"):
        start -= 1
        room -= roles[start] not in ("system", "developer")
    return [
        message
        for index, (role, message) in enumerate(zip(roles, messages))
        if index >= start or role in ("system", "developer")
    ]
'''

_DROP_OLDEST = '''
def NAME(messages):
    """Remove the oldest message that is no system prompt, with the tool results that answer it.

    Returns False when only one such message would be left.
    """
    roles = [message["role"] if isinstance(message, dict) else message.role for message in messages]
    start = next((index for index, role in enumerate(roles) if role not in ("system", "developer")), len(roles))
    end = start + 1
    while end < len(roles) and roles[end] == "tool":
        end += 1
    if end >= len(roles):
        return False
    del messages[start:end]
    return True
'''

LONG = '''
def long_conversation(n_exchanges):
    """A system prompt, a question, and as many exchanges with a tool."""
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    for number in range(n_exchanges):
        call = {"id": f"call_{number}", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": TEXT})
    return messages
'''

_CHECKS = """
    assert kept[0]["role"] == "system"
    assert len(kept) < len(messages)
    for before, message in zip(kept, kept[1:]):
        assert message["role"] != "tool" or before.get("tool_calls"), "a tool result without its call"
"""

_TEST = """
def test_a_shortened_conversation_keeps_the_system_prompt_and_whole_tool_exchanges(FIXTURE):
    {import}

    messages = long_conversation(N_EXCHANGES)
BODY
"""


@dataclass(frozen=True, slots=True)
class _Cut:
    """One place that drops the oldest messages."""

    splice: Splice
    helper: str
    name: str
    #: What is cut: `messages`, `self.history`.
    subject: str
    #: The number or name that limits it.
    limit: str
    node: cst.CSTNode


@dataclass(frozen=True, slots=True)
class Truncation:
    """The recipe for `messages[-n:]` and for loops that pop the first message."""

    name: str = "truncation"
    layer: Layer = Layer.CONTEXT

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether shortening lost the system prompt, or parted a tool call from its result."""
        if mode.detector in {"error", "provider_error"}:
            return most(failures, lambda failure: bool(_PARTED.search(failure.message) or _refused(failure)))
        return mode.detector == "lost_system_prompt"

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Replace the first place that cuts a conversation regardless of its roles."""
        if seen.failures and all(map(_refused, seen.failures)) and not _parted(seen):
            return "no request that was refused parts a tool's result from its call"
        reasons = []
        for source in harness_files(sources, diagnosis, "[-", ".pop(0)", "del "):
            for cut in _cuts(source):
                fix = _fix(source, cut, sources)
                if isinstance(fix, Fix):
                    return fix
                reasons.append(fix)
        return reasons[0] if reasons else "nothing cuts a list of messages regardless of their roles"


def _refused(failure: Failure) -> bool:
    """Tell whether the provider refused a request without saying why."""
    if _PARTED.search(failure.message):
        return False
    return bool(_REFUSED.search(f"{failure.key} {failure.message}"))


def _parted(seen: Seen) -> bool:
    """Tell whether a failing run ends with a request in which a tool's result stands without its call."""
    failing = {failure.trace_id for failure in seen.failures} & set(seen.traces)
    requests = [request for id_ in failing for span in seen.traces[id_].spans if (request := semconv.request(span))]
    return any(_without_call(request.get("messages") or []) for request in requests)


def _without_call(messages: Sequence[Mapping[str, Any]]) -> bool:
    asked: set[str] = set()
    for message in messages:
        asked |= {str(call.get("id")) for call in message.get("tool_calls") or []}
        if message.get("role") == "tool" and str(message.get("tool_call_id")) not in asked:
            return True
    return False


def _cuts(source: Source) -> Iterator[_Cut]:
    for subscript in source.find(cst.Subscript):
        limit = _tail(source, subscript)
        subject = dotted(subscript.value)
        if limit and _MESSAGES.search(subject) and _is_whole_result(source, subscript):
            name = free_name("_keep_recent", source.names())
            splice = Splice(*source.span(subscript), f"{name}({subject}, {limit})")
            yield _Cut(splice, _KEEP_RECENT, name, subject, limit, subscript)
    yield from _joined(source)
    for call in source.find(cst.Call):
        if re.fullmatch(r"[\w.]+\.pop", source.code(call.func)) and [source.code(arg) for arg in call.args] == ["0"]:
            yield from _dropping(source, call, dotted(call.func).removesuffix(".pop"))
    for delete in source.find(cst.Del):
        if match := re.fullmatch(r"del ([\w.]+)\[0\]", source.code(delete)):
            yield from _dropping(source, delete, match[1])
        elif match := re.fullmatch(r"del ([\w.]+)\[:-([\w.]+)\]", source.code(delete)):
            yield from _deleting(source, delete, match[1], match[2])


def _joined(source: Source) -> Iterator[_Cut]:
    """Yield `[messages[0], *messages[-n:]]` and `messages[:1] + messages[-n:]`: a call may lose its result."""
    for whole in [*source.find(cst.List), *source.find(cst.BinaryOperation)]:
        code = re.sub(r"\s+", " ", source.code(whole))
        match = _HEAD_AND_TAIL.fullmatch(code)
        subject = (match["subject"] or match["subject_"]) if match else ""
        if match is None or subject != (match["first"] or match["head"]) or not _MESSAGES.search(subject):
            continue
        if limit := _limit_of((match["tail"] or match["tail_"]).strip()):
            name = free_name("_keep_recent", source.names())
            splice = Splice(*source.span(whole), f"{name}({subject}, {limit})")
            yield _Cut(splice, _KEEP_RECENT, name, subject, limit, whole)


def _limit_of(tail: str) -> str:
    """Return how many messages stay in all, when the first and those from `tail` on do."""
    if match := re.fullmatch(r"-([\w.]+) ?\+ ?1|-\(([\w.]+) ?- ?1\)", tail):
        return match[1] or match[2]
    match = re.fullmatch(r"-([\w.]+)", tail)
    if match is None:
        return ""
    return str(int(match[1]) + 1) if match[1].isdigit() else f"{match[1]} + 1"


def _tail(source: Source, subscript: cst.Subscript) -> str | None:
    """Return `n` of `x[-n:]`, a positive number or a name."""
    if len(subscript.slice) != 1 or not isinstance(part := subscript.slice[0].slice, cst.Slice):
        return None
    if part.upper is not None or part.step is not None or not isinstance(part.lower, cst.UnaryOperation):
        return None
    limit = part.lower.expression
    if not isinstance(part.lower.operator, cst.Minus):
        return None
    if isinstance(limit, cst.Integer):
        return limit.value if limit.evaluated_value > 1 else None
    return source.code(limit) if dotted(limit) else None


def _is_whole_result(source: Source, subscript: cst.Subscript) -> bool:
    """Tell whether the slice alone is what is returned, kept or sent: joined to something, it may be right already."""
    parent = next(source.ancestors(subscript), None)
    if isinstance(parent, cst.IfExp):
        parent = next(source.ancestors(parent), None)
    if isinstance(parent, cst.Call) or (isinstance(parent, cst.Arg) and parent.keyword is None):
        return False
    if isinstance(parent, cst.Arg):
        return parent.keyword is not None and parent.keyword.value == "messages"
    if isinstance(parent, cst.Assign) and dotted(parent.targets[0].target) and not _reads_roles(source, subscript):
        target = dotted(parent.targets[0].target)
        return bool(_MESSAGES.search(target)) or target == dotted(subscript.value)
    return isinstance(parent, cst.Return) and not _reads_roles(source, subscript)


def _reads_roles(source: Source, node: cst.CSTNode) -> bool:
    """Tell whether the function looks at roles: then it may keep the system prompt by itself."""
    function = source.function_of(node)
    return function is not None and bool(
        re.search(
            r"""["'](system|developer)["']|[\[\s]\*?\w*(?i:system)\w*\]?\s*(\+|,)""",
            _without_docstring(source, function),
        )
        and not asks_model(source, function, depth=0)
    )


def _without_docstring(source: Source, function: cst.FunctionDef) -> str:
    text = source.code(function.body)
    doc = function.get_docstring(clean=False)
    return text.replace(doc, "", 1) if doc else text


def _dropping(source: Source, node: cst.CSTNode, subject: str) -> Iterator[_Cut]:
    """Yield the cut of a loop that removes the first message until the rest is short enough."""
    statement = source.statement_of(node)
    loop = next(source.ancestors(statement), None) if statement is not None else None
    loop = source.nearest(loop, cst.While) if isinstance(loop, cst.IndentedBlock) else None
    if loop is None or statement is None or not _MESSAGES.search(subject) or _reads_roles(source, node):
        return
    if not isinstance(loop.body, cst.IndentedBlock) or list(loop.body.body) != [statement] or len(statement.body) != 1:
        return
    if not isinstance(statement.body[0], cst.Expr | cst.Del) or source.code(statement) != source.code(node):
        return
    name = free_name("_drop_oldest", source.names())
    newline = f"{source.module.default_newline}{source.indent(statement)}{source.unit()}"
    splice = Splice(*source.span(statement), f"if not {name}({subject}):{newline}break")
    found = re.search(r">=?\s*([\w.]+)", source.code(loop.test))
    if found:
        yield _Cut(splice, _DROP_OLDEST, name, subject, found[1], node)


def _deleting(source: Source, delete: cst.Del, subject: str, limit: str) -> Iterator[_Cut]:
    if _MESSAGES.search(subject) and not _reads_roles(source, delete):
        name = free_name("_keep_recent", source.names())
        splice = Splice(*source.span(delete), f"{subject}[:] = {name}({subject}, {limit})")
        yield _Cut(splice, _KEEP_RECENT, name, subject, limit, delete)


def _fix(source: Source, cut: _Cut, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(cut.node)}"
    function = source.function_of(cut.node)
    if function is None:
        return f"{where} is in no function"
    after = source.edited([cut.splice, add_helper(source, cut.node, cut.helper.replace("NAME", cut.name))])
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, cut, function, sources)
    if isinstance(test, str):
        return test
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Keep the system prompt when a conversation is shortened",
        rationale=(
            f"{where} keeps the newest messages whatever their roles are, so a long conversation loses its system "
            "prompt, and a "
            "tool result may lose the call that it answers, which providers refuse. Now system prompts always "
            "stay, and "
            "tool calls and their results stay or go together."
        ),
        risk="A request may hold a few messages more than the limit, where several tool results belong to one call.",
    )


def _test(source: Source, cut: _Cut, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    n_exchanges, text = _size(source, cut, function, sources)
    own = {param.name.value for param in parameters(function)}
    values = {cut.subject: "messages"} if cut.subject in own else {}
    if asks_model(source, function):
        return _test_of_request(source, cut, function, sources, values=values, n_exchanges=n_exchanges, text=text)
    imported = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    call = call_of(source, function, imported, values)
    if isinstance(call, str):
        return call
    body = [*call.setup]
    attribute = cut.subject.removeprefix("self.")
    if cut.subject.startswith("self."):
        body.append(f"subject.{attribute} = list(messages)")
    elif cut.subject not in own:
        return f"{function.name.value}() gets its messages from elsewhere"
    returns = [node.value for node in source.find(cst.Return, function.body) if node.value is not None]
    if returns and all(not isinstance(value, cst.Tuple) for value in returns):
        body.append(f"kept = {call.awaited().replace('(messages', '(list(messages)', 1)}")
    elif cut.subject.startswith("self."):
        body += [call.awaited(), f"kept = subject.{attribute}"]
    else:
        body += ["kept = list(messages)", call.awaited().replace("messages", "kept", 1)]
    if "OpenAI(" in source.text:
        body.insert(0, 'monkeypatch.setenv("OPENAI_API_KEY", "test")')
    return _written(source, imported, sources, body, n_exchanges=n_exchanges, text=text, helpers=())


def _test_of_request(
    source: Source,
    cut: _Cut,
    function: cst.FunctionDef,
    sources: Mapping[str, str],
    *,
    values: Mapping[str, str],
    n_exchanges: int,
    text: str,
) -> Edit | str:
    """Return a test of what the model is sent, for a function that shortens and asks in one."""
    entry = entry_of(source, function, sources, values)
    if isinstance(entry, str):
        return entry
    if entry.function is not function or (not values and not cut.subject.startswith("self.")):
        return f"{function.name.value}() makes the conversation itself, so that no test can give it a long one"
    body = ['sent = fake_provider(monkeypatch, lambda request: completion("done"))', *entry.call.setup]
    if cut.subject.startswith("self."):
        body.append(f"{entry.call.receiver}.{cut.subject.removeprefix('self.')} = list(messages)")
    body += [entry.call.awaited().replace("(messages", "(list(messages)", 1), 'kept = sent[0]["messages"]']
    helpers = (COMPLETION, entry.transport.fake_provider())
    return _written(source, entry.imported, sources, body, n_exchanges=n_exchanges, text=text, helpers=helpers)


def _written(
    source: Source,
    imported: Import,
    sources: Mapping[str, str],
    body: Sequence[str],
    *,
    n_exchanges: int,
    text: str,
    helpers: Sequence[str],
) -> Edit | str:
    test = (
        lines(_TEST)
        .replace("FIXTURE", "monkeypatch" if any("monkeypatch" in line for line in body) else "")
        .replace("N_EXCHANGES", str(n_exchanges))
    )
    test = test.replace("BODY\n", "".join(f"    {line}\n" for line in body) + _CHECKS.lstrip("\n"))
    return write_test(
        name="shortened_conversation",
        doc="A conversation that is shortened keeps its system prompt and whole exchanges with tools.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[*helpers, LONG.replace("TEXT", text)],
        test=test,
    )


def _size(source: Source, cut: _Cut, function: cst.FunctionDef, sources: Mapping[str, str]) -> tuple[int, str]:
    """Return how many exchanges are more than the limit, and the text of each tool result."""
    limit = limit_in(source, cut.limit, function, sources)
    if cut.name.startswith("_keep_recent"):
        return (limit or 6) + 3, '"found"'
    words = 200
    return max(4 * (limit or 8000) // words, 10), f'"word " * {words}'


def limit_in(source: Source, name: str, function: cst.FunctionDef, sources: Mapping[str, str]) -> int | None:
    """Return the number that a limit is: a literal, a parameter's default, a constant of the file or the repository."""
    if name.isdigit():
        return int(name)
    name = name.removesuffix(" + 1")
    for param in parameters(function):
        if param.name.value == name:
            if param.default is None:
                return None  # then a test gives it
            return limit_in(source, source.code(param.default).replace("_", ""), function, sources) or _constant(
                source.code(param.default), source, sources
            )
    return _constant(name, source, sources)


def _constant(name: str, source: Source, sources: Mapping[str, str]) -> int | None:
    last = re.escape(name.rsplit(".", 1)[-1])
    for text in (source.text, *(sources[path] for path in sorted(sources) if path.endswith(".py"))):
        if match := re.search(rf"\b{last}\s*(?::[^=\n]+)?=\s*(\d[\d_]*)", text):
            return int(match[1].replace("_", ""))
    return None
