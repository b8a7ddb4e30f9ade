"""Ways to spoil a body: of its bytes, and, where it is JSON, of its structure. Each takes a place from 0."""

import json
from collections.abc import Callable, Iterator
from typing import Any

Mutation = Callable[[bytes, int], bytes]

#: What no field expects.
ODD: tuple[str, ...] = (
    "null",
    "true",
    "-1",
    "1e400",
    "NaN",
    "9" * 400,
    "-9223372036854775809",
    "18446744073709551616",
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59.999999-14:00"',
    "[]",
    "{}",
    "[[[[]]]]",
    "[null]",
    '{"": {"": 1}}',
    "[" * 600 + "]" * 600,
    '"' + "x" * 3_000 + '"',
)
MARK = "\x01mark\x01"


def flip(body: bytes, at: int) -> bytes:
    """Change one bit."""
    place = at % max(1, len(body))
    return body[:place] + bytes([body[place] ^ (1 << at % 8)]) + body[place + 1 :] if body else b"\0"


def cut(body: bytes, at: int) -> bytes:
    """Leave the end away."""
    return body[: at % (len(body) + 1)]


def splice(body: bytes, at: int) -> bytes:
    """Repeat a part of the body elsewhere."""
    start, end = sorted((at % (len(body) + 1), at // 7 % (len(body) + 1)))
    return body[:start] + body[start:end] * 2 + body[end:]


def drop(body: bytes, at: int) -> bytes:
    """Leave some bytes away."""
    place = at % (len(body) + 1)
    return body[:place] + body[place + 1 + at % 9 :]


def bad_utf8(body: bytes, at: int) -> bytes:
    """Put in what is no UTF-8."""
    place = at % (len(body) + 1)
    return body[:place] + (b"\xff", b"\xc3\x28", b"\xed\xa0\x80")[at % 3] + body[place:]


def swap(body: bytes, at: int) -> bytes:
    """Put an odd value in the place of one of the JSON's values."""
    return _changed(body, at, lambda owner, key: owner.__setitem__(key, MARK)).replace(
        json.dumps(MARK).encode(), ODD[at % len(ODD)].encode()
    )


def remove(body: bytes, at: int) -> bytes:
    """Remove one of the JSON's values."""
    return _changed(body, at, lambda owner, key: owner.__delitem__(key))


def repeat(body: bytes, at: int) -> bytes:
    """Write one of the JSON's values many times, or beside itself in a list."""
    return _changed(body, at, lambda owner, key: owner.__setitem__(key, [owner[key]] * (2 + at % 50)))


def _changed(body: bytes, at: int, change: Callable[[Any, Any], None]) -> bytes:
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return flip(body, at)
    places = list(_places(whole))
    if not places:
        return flip(body, at)
    owner, key = places[at % len(places)]
    change(owner, key)
    return json.dumps(whole).encode()


def _places(value: object, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth < 40 and isinstance(value, dict | list):
        for key, found in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(found, depth + 1)


MUTATIONS: tuple[Mutation, ...] = (flip, cut, splice, drop, bad_utf8, swap, swap, swap, remove, repeat)
