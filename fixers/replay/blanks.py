"""Blanks: where a recorded request held a secret, which was taken out; there a replay asks with any value. No I/O."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from fixers.replay.cassette import HttpCall
from webhooks.redaction.placeholder import SHAPE

BLANK = "any secret"
_SECRET = re.compile(f"(?:Bearer )?{SHAPE.decode()}")
_SECRET_SEGMENT = re.compile(f"[A-Za-z]{{0,8}}{SHAPE.decode()}")  # /bot<token>/sendMessage

#: Places as texts: a host with a parameter's name, a field's name, or the path before a segment.
Places = frozenset[str]


def secret_places(calls: Iterable[HttpCall]) -> Places:
    """Return where the requests held nothing but a secret."""
    return frozenset(place for call in calls for place in _places(call.url, call.sent))


def blanked(url: str, sent: str, places: Places) -> tuple[str, str]:
    """Return the address and the body of a request with blanks at these places."""
    if not places:
        return url, sent
    try:
        parts = urlsplit(url)
    except ValueError:  # no host's name
        return url, sent
    host = parts.netloc
    query = [(name, _blank(value, f"{host}?{name}", places)) for name, value in _pairs(parts.query)]
    path = "/".join(_blank(segment, f"{host}{before}", places) for before, segment in _segments(parts.path))
    return urlunsplit(parts._replace(path=path, query=urlencode(query))), _blanked_body(sent, host, places)


def _places(url: str, sent: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    host = parts.netloc
    yield from (f"{host}?{name}" for name, value in _pairs(parts.query) if _SECRET.fullmatch(value))
    yield from (f"{host}{path}" for path, part in _segments(parts.path) if _SECRET_SEGMENT.fullmatch(unquote(part)))
    body = _json(sent)
    fields = _pairs(sent) if body is None else _fields(body)
    yield from (f"{host}:{name}" for name, value in fields if _SECRET.fullmatch(value))


def _blanked_body(sent: str, host: str, places: Places) -> str:
    if not any(place.startswith(f"{host}:") for place in places):
        return sent
    body = _json(sent)
    if body is None:
        pairs = _pairs(sent)
        return urlencode([(name, _blank(value, f"{host}:{name}", places)) for name, value in pairs]) if pairs else sent
    return json.dumps(_blanked_value(body, host, places), ensure_ascii=False)


def _blanked_value(value: object, host: str, places: Places) -> object:
    if isinstance(value, dict):
        return {
            key: _blank(item, f"{host}:{key}", places) if isinstance(item, str) else _blanked_value(item, host, places)
            for key, item in value.items()
        }
    return [_blanked_value(item, host, places) for item in value] if isinstance(value, list) else value


def _blank(value: str, place: str, places: Places) -> str:
    return BLANK if place in places else value


def _segments(path: str) -> Iterator[tuple[str, str]]:
    """Yield each segment of a path, with what stands before it."""
    before = ""
    for segment in path.split("/"):
        yield before, segment
        before += f"{segment}/"


def _fields(value: object) -> Iterator[tuple[str, str]]:
    """Yield the texts of a JSON value that have a name."""
    if isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items() if isinstance(item, str))
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _fields(item)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True)
    except ValueError:  # more fields than anybody fills in
        return []


def _json(text: str) -> dict[str, object] | list[object] | None:
    """Return a JSON object or array; None for anything else, and for what is nested too deep to be walked."""
    try:
        value = json.loads(text)
        list(_fields(value))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None
