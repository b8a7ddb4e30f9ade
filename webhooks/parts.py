"""How many parts a body has, before a parser makes an object of each: of two bytes, up to 175. No I/O.

What a few million bytes can become is bounded already, so smaller bodies are not counted. In a larger one the bytes
that a part may begin with are counted first, which is quick and counts too many; the body is walked only where those
are more than the parts that are allowed.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from webhooks.errors import Undecodable

SMALL_BYTES = 1024 * 1024
# Messages and repeated strings. 64 MiB of ordinary spans have about 700,000.
MAX_MESSAGES = 1_000_000
# A value of JSON follows a bracket or a comma; an attribute of OTLP/JSON has four of them.
MAX_VALUES = 2_000_000
BEFORE_VALUES = b"{[,"
# Strings are passed over, for what stands in them is no structure; each counts as a match, not as a value.
JSON_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{\[,]', re.DOTALL)
TOKENS_PER_VALUE = 3  # a value, its name, and what is before them

# https://protobuf.dev/programming-guides/encoding/#structure
VARINT, LENGTH = 0, 2
FIXED = {1: 8, 5: 4}
KIND = 7
MORE = 0x80  # set in each byte of a number but the last
LONGEST_VARINT_BITS = 70
# Deeper than any parser follows: https://protobuf.dev/programming-guides/proto-limits/
MAX_DEPTH = 100
#: Tag of a field -> its message's fields; none for text.
Fields = dict[int, "Fields"]


def check_parts(
    body: bytes,
    message: type[Message] | None,
    *,
    small: int = SMALL_BYTES,
    max_messages: int = MAX_MESSAGES,
    max_values: int = MAX_VALUES,
) -> None:
    """Raise Undecodable when a body has more parts than any client sends.

    Parameters
    ----------
    body
        Decompressed.
    message
        What it is in protobuf; None for JSON, alone or as parts of something else.
    small
        Up to so many bytes nothing is counted.
    max_messages
        The most messages and repeated strings of a protobuf body.
    max_values
        The most values of a JSON body.

    """
    if len(body) <= small:
        return
    if message is None:
        _check_json(body, max_values)
    else:
        _check_protobuf(body, fields_of(message.DESCRIPTOR), max_messages)


def _check_json(body: bytes, most: int) -> None:
    if _n_of(body, BEFORE_VALUES) <= most:
        return
    # Only where the whole is JSON can it be told what stands in a string.
    whole_json = body.lstrip().startswith((b"{", b"["))
    n_values = 0
    for n_tokens, match in enumerate(JSON_TOKENS.finditer(body), 1):
        n_values += body[match.start()] in BEFORE_VALUES
        if n_values > most or n_tokens > most * TOKENS_PER_VALUE or not whole_json:
            raise Undecodable(f"more than {most} values in a body")


def _check_protobuf(body: bytes, fields: Fields, most: int) -> None:
    tags = set(_tags(fields, set()))
    # A tag may be written longer than it need be: then there is more of it.
    if _n_of(body, bytes(tags | {tag | MORE for tag in tags})) <= most:
        return
    for n_parts, _ in enumerate(_walk(body, fields), 1):
        if n_parts > most:
            raise Undecodable(f"more than {most} messages in a body")


def fields_of(descriptor: Any, known: dict[str, Fields] | None = None) -> Fields:  # noqa: ANN401  # two kinds of it
    """Return the fields of a message, and of the messages in it, of which a body may hold any number."""
    known = {} if known is None else known
    if descriptor.full_name not in known:
        found = known[descriptor.full_name] = {}
        for field in descriptor.fields:
            tag = field.number << 3 | LENGTH
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                found[tag] = fields_of(field.message_type, known)
            elif field.is_repeated:
                found[tag] = {}
    return known[descriptor.full_name]


def _tags(fields: Mapping[int, Fields], seen: set[int]) -> Iterator[int]:
    if id(fields) not in seen:
        seen.add(id(fields))
        for tag, inner in fields.items():
            yield tag
            yield from _tags(inner, seen)


def _n_of(body: bytes, wanted: bytes) -> int:
    return len(body) - len(body.translate(None, wanted))


def _walk(body: bytes, fields: Fields) -> Iterator[int]:
    """Yield the place of each part; end where the body is malformed or too deep, which the parser will say."""
    #: What is left of the messages around the place, the innermost last.
    around = [(0, len(body), fields)]
    with suppress(IndexError):
        while 0 < len(around) <= MAX_DEPTH:
            place, end, known = around.pop()
            while place < end:
                tag, place = _varint(body, place)
                size = FIXED.get(tag & KIND, 0)
                if tag & KIND == VARINT:
                    _, place = _varint(body, place)
                elif tag & KIND == LENGTH:
                    size, place = _varint(body, place)
                    if tag in known:
                        yield place
                        around.append((place + size, end, known))
                        end, known, size = place + size, known[tag], 0
                place += size


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value, shift, byte = 0, 0, body[place]
    while byte & MORE:
        value |= (byte & ~MORE) << shift
        shift += 7
        place += 1
        if shift == LONGEST_VARINT_BITS:
            raise IndexError(place)
        byte = body[place]
    return value | byte << shift, place + 1
