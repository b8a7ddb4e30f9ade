"""Cut a multipart/form-data body whose parts all say their length. No I/O, and no copy but of the parts.

The LangSmith SDK's do, and cutting by length is several times faster than looking for the boundary in every byte.
"""

import re
from collections.abc import Iterator

from webhooks.errors import Undecodable

MAX_HEADER_BYTES = 8_192
MAX_PARTS = 100_000
HEADERS_END = b"\r\n\r\n"
NAME = re.compile(rb'content-disposition:[^\r\n]{0,200}[ ;]name="([^"\r\n]{1,500})"', re.IGNORECASE)
LENGTH = re.compile(rb"content-length:\s{0,8}(\d{1,9})\s{0,8}(?:\r\n|$)", re.IGNORECASE)


def read_parts(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each part, in order.

    Raises
    ------
    Undecodable
        When a part has no name or length, or its length does not lead to the next boundary.

    """
    boundary, _, _ = body[:MAX_HEADER_BYTES].partition(b"\r\n")
    if not boundary.startswith(b"--"):
        raise Undecodable(f"not multipart/form-data ({len(body)} bytes): it does not begin with a boundary")
    at = 0
    for _ in range(MAX_PARTS):
        at += len(boundary)
        if body.startswith(b"--", at):
            return
        headers_end = body.find(HEADERS_END, at, at + MAX_HEADER_BYTES)
        headers = body[at:headers_end] if headers_end > 0 else b""
        name, length = NAME.search(headers), LENGTH.search(headers)
        if name is None or length is None:
            raise Undecodable(f"the part at byte {at} of a multipart body has no name or no Content-Length")
        start = headers_end + len(HEADERS_END)
        end = start + int(length[1])
        if not body.startswith(b"\r\n" + boundary, end):
            raise Undecodable(f"the part at byte {at} of a multipart body does not end at the boundary")
        yield name[1].decode(errors="replace"), body[start:end]
        at = end + 2
    raise Undecodable(f"a multipart body has more than {MAX_PARTS} parts")
