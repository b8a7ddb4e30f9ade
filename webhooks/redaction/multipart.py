"""Rewrite the parts of a multipart body, and the length that each part gives of itself. No I/O."""

import re
from collections.abc import Callable

BLANK_LINE = b"\r\n\r\n"
LENGTH = re.compile(rb"(?im)^(content-length:[ \t]*)[0-9]+|(;[ \t]*length=)[0-9]+")


def rewrite(body: bytes, part: Callable[[bytes], bytes]) -> bytes | None:
    """Return the body with `part` applied to the head and the content of each part; None when it is not multipart.

    The boundary is the body's own first line: https://datatracker.ietf.org/doc/html/rfc2046#section-5.1.1
    """
    boundary, line_end, rest = body.partition(b"\r\n")
    if not boundary.startswith(b"--") or not line_end or b"\r\n" + boundary not in rest:
        return None
    delimiter = b"\r\n" + boundary
    first, *others = (b"\r\n" + rest).split(delimiter)
    return boundary + delimiter.join(_part(piece, part) for piece in (first, *others))


def _part(piece: bytes, part: Callable[[bytes], bytes]) -> bytes:
    head, blank, content = piece.partition(BLANK_LINE)
    head, found = part(head), part(content)
    if found == content:
        return head + blank + content
    length = str(len(found)).encode()
    return LENGTH.sub(lambda match: (match[1] or match[2]) + length, head) + blank + found
