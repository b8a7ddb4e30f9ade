"""Read Python as the standard library's syntax tree, that of versions newer than the one this runs on too.

A repository may be written for a newer Python than the one that looks at it. What its file says in newer words is put
into older ones that hold the same expressions, on the same lines; only for reading, never for running.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import libcst as cst
import libcst.matchers as m

_MARKS = re.compile("[fFtT]")
_SPACE = cst.SimpleWhitespace(" ")
_OPEN, _CLOSE = [cst.LeftParen()], [cst.RightParen()]
_TEXT = cst.SimpleString | cst.ConcatenatedString
#: What stands before a part of a string, which may be a new line, and the part.
_Piece: TypeAlias = tuple[cst.BaseParenthesizableWhitespace, cst.BaseExpression]


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a file.

    Raises
    ------
    SyntaxError
        When it is Python of no version that is known.
    ValueError, RecursionError
        As `ast.parse` does.

    """
    try:
        return ast.parse(text)
    except SyntaxError as error:
        older = _in_older_words(text)
        if older is None:
            raise
        try:
            return ast.parse(older)
        except SyntaxError:
            raise error from None


def is_newer(text: str) -> bool:
    """Tell whether a file is Python, but of a newer version than the one this runs on."""
    try:
        ast.parse(text)
    except SyntaxError:
        pass
    except (ValueError, RecursionError, MemoryError):
        return False
    else:
        return False
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _in_older_words(text: str) -> str | None:
    try:
        return cst.parse_module(text).visit(_Older()).code
    except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, UnicodeError):
        return None


class _Older(cst.CSTTransformer):
    """Rewrites what Python 3.11 cannot read, inside out."""

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Leave joined strings whole: no half of one can become a tuple."""
        return not isinstance(node, cst.ConcatenatedString)

    def on_leave(  # type: ignore[override]  # one method for all kinds of nodes
        self,
        original_node: cst.CSTNode,  # noqa: ARG002  # libcst's own signature
        updated_node: cst.CSTNode,
    ) -> cst.CSTNode:
        """Return the node in older words."""
        match updated_node:
            case cst.ClassDef() | cst.FunctionDef():
                # PEP 695 and 696
                return updated_node if _may_run(updated_node) else updated_node.with_changes(type_parameters=None)
            case cst.TypeAlias(name=name, value=value) if not _may_run(updated_node):  # PEP 695
                return cst.Assign([cst.AssignTarget(name)], value, semicolon=updated_node.semicolon)
            case cst.ExceptHandler(type=cst.Tuple() as types) if not types.lpar:  # PEP 758
                return updated_node.with_changes(type=types.with_changes(lpar=_OPEN, rpar=_CLOSE))
            case cst.FormattedString() | cst.TemplatedString():  # PEP 701 and 750
                return _tuple_of(_pieces(updated_node, _SPACE))
            case cst.ConcatenatedString():
                pieces = list(self._joined(updated_node, _SPACE))
                only_text = all(isinstance(piece, cst.SimpleString) for _, piece in pieces)
                return updated_node if only_text else _tuple_of(pieces)
        return updated_node

    def _joined(self, string: cst.BaseString, before: cst.BaseParenthesizableWhitespace) -> Iterator[_Piece]:
        match string:
            case cst.ConcatenatedString(left=left, right=right, whitespace_between=between):
                yield from self._joined(left, before)
                yield from self._joined(right, between)
            case cst.FormattedString(parts=parts) | cst.TemplatedString(parts=parts):
                yield from _pieces(string.with_changes(parts=[part.visit(self) for part in parts]), before)
            case _:
                yield before, string


def _may_run(node: cst.ClassDef | cst.FunctionDef | cst.TypeAlias) -> bool:
    """Tell whether a bound or a default does something: what is left out of the tree, nobody would see."""
    parameters = node.type_parameters
    return parameters is not None and bool(m.findall(parameters, m.Call() | m.Await() | m.Yield()))


def _pieces(
    string: cst.FormattedString | cst.TemplatedString, before: cst.BaseParenthesizableWhitespace
) -> Iterator[_Piece]:
    """Yield what a formatted string is made of."""
    quote = string.start.lstrip("fFtTrRbBuU")
    opened = _MARKS.sub("", string.start.removesuffix(quote)) + quote
    for piece in _pieces_of(string.parts, opened, quote):
        yield before, piece
        before = _SPACE


def _pieces_of(parts: Iterable[cst.CSTNode], opened: str, quote: str) -> Iterator[cst.BaseExpression]:
    for part in parts:
        if isinstance(part, cst.FormattedStringText | cst.TemplatedStringText):
            yield cst.SimpleString(opened + part.value.replace("{{", "{").replace("}}", "}") + quote)
        elif isinstance(part, cst.FormattedStringExpression | cst.TemplatedStringExpression):
            held = part.expression
            yield held.with_changes(lpar=[*_OPEN, *held.lpar], rpar=[*held.rpar, *_CLOSE])
            yield from _pieces_of(part.format_spec or (), opened, quote)


def _tuple_of(pieces: Iterable[_Piece]) -> cst.Tuple:
    """Return the pieces as one tuple, where text that follows text is one text, as it is in the string."""
    elements: list[_Piece] = []
    for before, piece in reversed(list(pieces)):
        after = elements[-1] if elements and not elements[-1][1].lpar else None
        if after and isinstance(after[1], _TEXT) and isinstance(piece, cst.SimpleString) and not piece.lpar:
            elements[-1] = before, cst.ConcatenatedString(piece, after[1], whitespace_between=after[0])
        else:
            elements.append((before, piece))
    elements.reverse()
    spaces = [*(before for before, _ in elements), _SPACE][1:]
    held = [
        cst.Element(piece, comma=cst.Comma(whitespace_after=space))
        for (_, piece), space in zip(elements, spaces, strict=True)
    ]
    return cst.Tuple(held, lpar=_OPEN, rpar=_CLOSE)
