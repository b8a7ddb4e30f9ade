"""Read a JSON request body: its bytes, its shape, and how much of it is too much."""

from collections.abc import Iterable
from typing import Any

import orjson

from webhooks.errors import Undecodable
from webhooks.otlp_fields import MAX_SPANS, check_size


def read_object(body: bytes, *, name: str) -> dict[str, Any]:
    """Return the JSON object of a body; `name` says in the error what it should have been."""
    found = read_json(body, name=name)
    if not isinstance(found, dict):
        raise Undecodable(f"not {name}: a JSON {type(found).__name__}")
    return found


def read_json(body: bytes, *, name: str) -> object:
    """Return the JSON value of a body; `name` says in the error what it should have been."""
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"not {name} ({len(body)} bytes): {error}") from error
    return found


def write_json(value: object, *, sort: bool = False) -> bytes:
    """Return JSON of what was read as JSON; it may be read nested deeper than it is written."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort else None)
    except orjson.JSONEncodeError as error:
        raise Undecodable(f"the JSON is nested too deep or holds what cannot be kept: {error}") from error


def objects(value: object, *, name: str) -> list[dict[str, Any]]:
    """Return a list of objects; empty for None.

    Raises
    ------
    Undecodable
        When it is no such list, or one longer than what a request may bring.

    """
    items = [] if value is None else value
    if not isinstance(items, list) or not _all_objects(items):
        raise Undecodable(f"{name} is not a list of objects")
    check_size(len(items), name=name, limit=MAX_SPANS)
    return items


def _all_objects(items: Iterable[object]) -> bool:
    return all(isinstance(item, dict) for item in items)
