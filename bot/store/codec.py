"""Frozen dataclasses as JSON text and back, guided by their annotations."""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.errors import UnreadableRecord

#: A JSON value, or a value that becomes one.
Json = Any
#: An annotation: a class, or what `X | None` and `tuple[X, ...]` are at run time.
Annotation = Any
Reader = Callable[[Json], Json]

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
        annotation: Annotation = kind
        value: T = _reader(annotation)(json.loads(text))
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


@cache
def _reader(kind: Annotation) -> Reader:
    """Return what reads the values of an annotation: made once, for thousands of records."""
    origin: Annotation = get_origin(kind)
    within = get_args(kind)
    if origin in {Union, types.UnionType}:
        return _optional(_reader(next(each for each in within if each is not type(None))))
    if origin is tuple:
        return _tuple(within)
    if origin is list or origin is Sequence:
        return _list(_reader(within[0]))
    if origin is dict or origin is Mapping:
        return _mapping(_reader(within[1]))
    return _identity if kind is Any else _plain_reader(kind)


def _identity(value: Json) -> Json:
    return value


def _optional(reader: Reader) -> Reader:
    """Read `X | None`, the only union that our types use."""
    return lambda value: None if value is None else reader(value)


def _list(reader: Reader) -> Reader:
    return lambda value: [reader(item) for item in _expect(list, value)]


def _mapping(reader: Reader) -> Reader:
    return lambda value: {key: reader(item) for key, item in _expect(dict, value).items()}


def _tuple(within: tuple[Annotation, ...]) -> Reader:
    if len(within) == 2 and within[1] is Ellipsis:  # noqa: PLR2004  # tuple[X, ...]
        reader = _list(_reader(within[0]))
        return lambda value: tuple(reader(value))
    readers = [_reader(each) for each in within]
    return lambda value: tuple(reader(item) for reader, item in zip(readers, _expect(list, value), strict=True))


def _plain_reader(kind: Annotation) -> Reader:
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        reader: Reader = kind
        return reader
    if issubclass(kind, datetime):
        return lambda value: datetime.fromisoformat(_expect(str, value))
    if kind is float:
        return lambda value: float(value) if type(value) is int else _expect(float, value)
    return lambda value: _expect(kind, value)


def _dataclass(kind: Annotation) -> Reader:
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(value: Json) -> Json:
        given = _expect(dict, value)
        return kind(**{name: reader(given[name]) for name, reader in readers.items() if name in given})

    return read


def _expect(kind: Annotation, value: Json) -> Json:
    if type(value) is not kind:
        raise TypeError(f"expected {kind.__name__}, got {value!r:.80}")
    return value
