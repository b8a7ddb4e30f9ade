"""Where a conversation is cut regardless of its roles, and what each place becomes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from fixers.recipes.entry import asks_model
from fixers.recipes.insert import helper_in
from fixers.recipes.source import Source, Splice, dotted

_MESSAGES = re.compile(r"(^|[._])(messages|msgs|history|conversation|transcript|chat_history|turns)$")
#: What a file that cuts one of these has somewhere.
MAY_CUT = re.compile(
    r"(messages|msgs|history|conversation|transcript|turns)\s*(\[\s*-[^\]]{1,80}:|\.pop\(0\))"
    r"|\bdel\s+[\w.]*(messages|msgs|history|conversation|transcript|turns)\[(0\]|:-)"
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


@dataclass(frozen=True, slots=True)
class Cut:
    """One place that drops the oldest messages."""

    splice: Splice
    helper: str
    name: str
    #: What is cut: `messages`, `self.history`.
    subject: str
    #: The number or name that limits it.
    limit: str
    node: cst.CSTNode


def cuts_in(source: Source) -> Iterator[Cut]:
    """Yield every place of a file that drops the oldest messages whatever their roles are."""
    for subscript in source.find(cst.Subscript):
        limit = _tail(source, subscript)
        subject = dotted(subscript.value)
        if limit and _MESSAGES.search(subject) and _is_whole_result(source, subscript):
            name, _ = helper_in(source, subscript, "_keep_recent", _KEEP_RECENT)
            splice = Splice(*source.span(subscript), f"{name}({subject}, {limit})")
            yield Cut(splice, _KEEP_RECENT, name, subject, limit, subscript)
    yield from _joined(source)
    for call in source.find(cst.Call):
        if re.fullmatch(r"[\w.]+\.pop", source.code(call.func)) and [source.code(arg) for arg in call.args] == ["0"]:
            yield from _dropping(source, call, dotted(call.func).removesuffix(".pop"))
    for delete in source.find(cst.Del):
        if match := re.fullmatch(r"del ([\w.]+)\[0\]", source.code(delete)):
            yield from _dropping(source, delete, match[1])
        elif match := re.fullmatch(r"del ([\w.]+)\[:-([\w.]+)\]", source.code(delete)):
            yield from _deleting(source, delete, match[1], match[2])


def _joined(source: Source) -> Iterator[Cut]:
    """Yield `[messages[0], *messages[-n:]]` and `messages[:1] + messages[-n:]`: a call may lose its result."""
    for whole in [*source.find(cst.List), *source.find(cst.BinaryOperation)]:
        code = re.sub(r"\s+", " ", source.code(whole))
        match = _HEAD_AND_TAIL.fullmatch(code)
        subject = (match["subject"] or match["subject_"]) if match else ""
        if match is None or subject != (match["first"] or match["head"]) or not _MESSAGES.search(subject):
            continue
        if limit := _limit_of((match["tail"] or match["tail_"]).strip()):
            name, _ = helper_in(source, whole, "_keep_recent", _KEEP_RECENT)
            splice = Splice(*source.span(whole), f"{name}({subject}, {limit})")
            yield Cut(splice, _KEEP_RECENT, name, subject, limit, whole)


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


def _dropping(source: Source, node: cst.CSTNode, subject: str) -> Iterator[Cut]:
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
    name, _ = helper_in(source, node, "_drop_oldest", _DROP_OLDEST)
    newline = f"{source.module.default_newline}{source.indent(statement)}{source.unit()}"
    splice = Splice(*source.span(statement), f"if not {name}({subject}):{newline}break")
    found = re.search(r">=?\s*([\w.]+)", source.code(loop.test))
    if found:
        yield Cut(splice, _DROP_OLDEST, name, subject, found[1], node)


def _deleting(source: Source, delete: cst.Del, subject: str, limit: str) -> Iterator[Cut]:
    if _MESSAGES.search(subject) and not _reads_roles(source, delete):
        name, _ = helper_in(source, delete, "_keep_recent", _KEEP_RECENT)
        splice = Splice(*source.span(delete), f"{subject}[:] = {name}({subject}, {limit})")
        yield Cut(splice, _KEEP_RECENT, name, subject, limit, delete)
