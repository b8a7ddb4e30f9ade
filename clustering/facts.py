"""Facts: what tool results say, as (id, field, value), and the ids that anything in a text names."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_JSON = 100_000
MAX_DEPTH = 12
MAX_ID = 64
# Letters and digits mixed, or a long number; an amount, a date and a word are not ids.
ID = re.compile(r"(?<![\w.\-/])#?(?=[\w\-]*\d)(?:(?=[\w\-]*[A-Za-z])[A-Za-z0-9][\w\-]{3,63}|\d{6,20})(?![\w\-]|[.,]\d)")
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T.*)?|\d{1,2}(?:st|nd|rd|th|am|pm)", re.IGNORECASE)
STATUS = re.compile(r"(?:\w+_)?(?:status|state)", re.IGNORECASE)


class Fact(NamedTuple):
    """What one object of a tool's result says of the thing that it identifies."""

    #: Without a leading "#", lowercase.
    subject: str
    field: str
    #: Lowercase.
    value: str


def ids_in(text: str) -> set[str]:
    """Return the ids that a text names, without a leading "#", lowercase."""
    found = (match.group().lstrip("#").lower() for match in ID.finditer(text[:MAX_JSON]))
    return {name for name in found if not DATE.fullmatch(name)}


def status_facts(result: str) -> list[Fact]:
    """Return what a tool's JSON result says of the status of things with an id."""
    if len(result) > MAX_JSON or not result.lstrip().startswith(("{", "[")):
        return []
    try:
        return list(_facts(json.loads(result), 0))
    except (ValueError, RecursionError):
        return []


def _facts(value: object, depth: int) -> Iterator[Fact]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _facts(item, depth + 1)
    elif isinstance(value, dict):
        texts = {key: item for key, item in value.items() if isinstance(item, str) and 0 < len(item) <= MAX_ID}
        named = next((item for key, item in texts.items() if key == "id" or key.endswith("_id")), None)
        for key, item in texts.items():
            if named is not None and STATUS.fullmatch(key):
                yield Fact(named.lstrip("#").lower(), key, item.lower())
        for item in value.values():
            yield from _facts(item, depth + 1)
