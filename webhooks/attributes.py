"""Read attribute values whatever their type: a value that is not what its key promises reads as absent."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

MAX_INDEX_DIGITS = 6  # no list of a million messages; and int() refuses very long digit strings


def first(attributes: Mapping[str, Any], keys: Iterable[str]) -> object:
    """Return the value of the first of `keys` that is there, or None."""
    for key in keys:  # a loop and not a generator, which would cost more than the look-ups: every span passes here
        value = attributes.get(key)
        if value is not None:
            return value
    return None


def first_text(attributes: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """Return the first value of `keys` as text, or None."""
    return text(first(attributes, keys))


def text(value: object) -> str | None:
    """Return a string as it is and any other JSON value as JSON; None for None and for what JSON cannot say."""
    if value is None or isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # numbers beyond 64 bits, lone surrogates, nesting beyond orjson's limit
        return None


def parsed(value: object) -> object:
    """Return what a string of JSON holds; any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object, given as such or as a string; empty for anything else."""
    found = parsed(value)
    return found if isinstance(found, dict) else {}


def sequence(value: object) -> list[Any]:
    """Return a JSON array, given as such or as a string; empty for anything else."""
    found = parsed(value)
    return list(found) if isinstance(found, list | tuple) else []


def number(value: object) -> float | None:
    """Return a finite number, given as such or as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """Return a whole number, given as such or as a string; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() else None


def indexed(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Gather the flattened list at `prefix`: keys `prefix.N.rest` become one `{rest: value}` per N, in order of N."""
    items: dict[int, dict[str, Any]] = {}
    start = f"{prefix}."
    for key, value in attributes.items():
        if not key.startswith(start):
            continue
        index, dot, rest = key[len(start) :].partition(".")
        if dot and index.isascii() and index.isdigit() and len(index) <= MAX_INDEX_DIGITS:
            items.setdefault(int(index), {})[rest] = value
    return [items[index] for index in sorted(items)]
