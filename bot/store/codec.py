"""Frozen dataclasses as JSON text and back, guided by their annotations."""

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.errors import UnreadableRecord

#: A JSON value, or a value that becomes one.
Json = Any
#: An annotation: a class, or what `X | None` and `tuple[X, ...]` are at run time.
Annotation = Any

T = TypeVar("T")


def to_json(value: object) -> str:
    """Return a dataclass as one line of ASCII JSON: a NUL or a lone surrogate survives in any database."""
    return json.dumps(_plain(value), separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """Return the `kind` that `to_json` was given; unknown keys are ignored, missing ones take the field's default.

    Raises
    ------
    UnreadableRecord
        The text is not JSON, or a value is not of its field's type.

    """
    try:
        value: T = _typed(kind, json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRecord(f"not a {kind.__name__}: {error}") from error
    return value


def _plain(value: Json) -> Json:
    if value is None or type(value) in {str, int, float, bool}:
        return value
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _typed(kind: Annotation, value: Json) -> Json:
    origin: Annotation = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _typed_union(get_args(kind), value)
    if origin is tuple:
        return _typed_tuple(get_args(kind), _expect(list, value))
    if origin is list or origin is Sequence:
        return [_typed(get_args(kind)[0], item) for item in _expect(list, value)]
    if origin is dict or origin is Mapping:
        return {key: _typed(get_args(kind)[1], item) for key, item in _expect(dict, value).items()}
    if kind is Any:
        return value
    return _typed_plain(kind, value)


def _typed_union(kinds: tuple[Annotation, ...], value: Json) -> Json:
    """Read `X | None`, the only union that our types use."""
    if value is None and type(None) in kinds:
        return None
    return _typed(next(kind for kind in kinds if kind is not type(None)), value)


def _typed_tuple(kinds: tuple[Annotation, ...], values: list[Json]) -> tuple[Json, ...]:
    if len(kinds) == 2 and kinds[1] is Ellipsis:  # noqa: PLR2004  # tuple[X, ...]
        return tuple(_typed(kinds[0], item) for item in values)
    return tuple(_typed(kind, item) for kind, item in zip(kinds, values, strict=True))


def _typed_plain(kind: Annotation, value: Json) -> Json:
    if dataclasses.is_dataclass(kind):
        return _typed_dataclass(kind, _expect(dict, value))
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, datetime):
        return datetime.fromisoformat(_expect(str, value))
    if kind is float and type(value) is int:
        return float(value)
    return _expect(kind, value)


def _typed_dataclass(kind: Annotation, values: dict[str, Json]) -> Json:
    hints = _hints(kind)
    return kind(**{name: _typed(hint, values[name]) for name, hint in hints.items() if name in values})


@cache
def _hints(kind: type) -> dict[str, Annotation]:
    """Return the annotation of each field of a dataclass."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _expect(kind: Annotation, value: Json) -> Json:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, got {value!r:.80}")
    return value
