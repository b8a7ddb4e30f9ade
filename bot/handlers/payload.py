"""Read fields of a payload, whatever is in their place."""

from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping under a key; an empty one when it is none."""
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def mappings(value: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of the list under a key."""
    found = value.get(key)
    return (item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else iter(())


def text(value: Mapping[str, Any], *path: str) -> str:
    """Return what is at the end of a path as text; empty when there is nothing."""
    found: Any = value
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def number(value: Mapping[str, Any], key: str) -> int | None:
    """Return the whole number under a key, or None."""
    found = value.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
