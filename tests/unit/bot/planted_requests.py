"""Valid requests of every format with a text planted in one of their places, and some that no longer decode."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from backports import zstd
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.bot.attacked import GITHUB, SIGNED, Sent
from tests.unit.bot.payloads import seeds

#: Puts a text in the place of this number, counted round.
Plant = Callable[[str, int], bytes]
ENCODINGS = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress}
WRAPPED: tuple[Callable[[str], str], ...] = (
    str,
    lambda text: f"it is {text} , ok?",
    lambda text: json.dumps([{"role": "tool", "content": f"\n{text}\n"}]),
    lambda text: json.dumps({"result": json.dumps({"out": text})}),
)


def carriers() -> list[Sent]:
    """Return the requests to plant in; what GitHub sends is no trace, and kept as it is."""
    found = [seed for seed in seeds() if seed.path != GITHUB]
    return [seed for seed in found if list(_places_of(seed))]


def planted_in(seed: Sent, text: str, number: int) -> Sent:
    """Return the request with the text in one of its places, compressed where its route takes that.

    One in five is damaged after that, so that it ends in quarantine.
    """
    body = _planted(seed, WRAPPED[number % len(WRAPPED)](text), number)
    packed, headers = body, dict(seed.headers)
    if seed.path not in SIGNED:
        encoding = list(ENCODINGS)[number // 7 % len(ENCODINGS)]
        packed = ENCODINGS[encoding](body)
        headers["content-encoding"] = encoding if number % 35 else ""  # compressed, and not saying so
    return replace(seed, headers=headers, body=packed[: -1 - number % 3] if number % 5 == 0 else packed)


def _planted(seed: Sent, text: str, number: int) -> bytes:
    places = list(_places_of(seed))
    return places[number % len(places)](text)


def _places_of(seed: Sent) -> Iterator[Callable[[str], bytes]]:
    """Yield what plants in each place of a request."""
    kind = seed.headers.get("content-type", "")
    if "protobuf" in kind:
        return _protobuf_places(seed)
    return _multipart_places(seed.body) if kind.startswith("multipart") else _json_places(seed.body)


def _json_places(body: bytes) -> Iterator[Callable[[str], bytes]]:
    """Yield the strings of a JSON value, and the names in its objects."""
    n_places = len(list(_strings(json.loads(body))))
    for place in range(n_places):
        for rename in (False, True):
            yield lambda text, place=place, rename=rename: _set_in_json(body, place, text, rename=rename)


def _set_in_json(body: bytes, place: int, text: str, *, rename: bool) -> bytes:
    whole = json.loads(body)
    owner, key = list(_strings(whole))[place]
    if rename and isinstance(owner, dict):
        owner[text] = owner[key]
    else:
        owner[key] = text
    return json.dumps(whole).encode()


def _strings(value: object) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key, found in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(found, str):
                yield value, key
            yield from _strings(found)


def _protobuf_places(seed: Sent) -> Iterator[Callable[[str], bytes]]:
    kind = ExportLogsServiceRequest if seed.path.endswith("logs") else ExportTraceServiceRequest
    for place in range(len(list(_fields(kind.FromString(seed.body))))):
        yield lambda text, place=place: _set_in_protobuf(kind.FromString(seed.body), place, text)


def _set_in_protobuf(message: Message, place: int, text: str) -> bytes:
    owner, field = list(_fields(message))[place]
    setattr(owner, field.name, text if field.type == FieldDescriptor.TYPE_STRING else text.encode())
    return message.SerializeToString()


def _fields(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    for field, value in message.ListFields():
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            yield message, field
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for item in [value] if isinstance(value, Message) else value:
                yield from _fields(item)


def _multipart_places(body: bytes) -> Iterator[Callable[[str], bytes]]:
    """Yield the strings of each part, the parts' names, and files beside them."""
    boundary = body.partition(b"\r\n")[0]
    parts = [part.partition(b"\r\n\r\n") for part in body.split(boundary)[1:-1]]
    for number, (head, _, content) in enumerate(parts):
        for plant in _json_places(content.removesuffix(b"\r\n")) if b"json" in head else ():
            yield lambda text, n=number, plant=plant: _joined(boundary, _with(parts, n, plant(text)))
    head, _, content = parts[0]
    yield lambda text: _joined(boundary, [(head.replace(b'name="', b'name="' + _quotable(text), 1), b"", content)])
    file = b'\r\nContent-Disposition: form-data; name="attachment.1.notes"\r\nContent-Type: text/plain'
    file += b"\r\nContent-Length: 0"
    yield lambda text: _joined(boundary, _with([*parts, (file, b"", b"")], len(parts), text.encode()))
    nameless = (b"\r\nContent-Disposition: nothing", b"", b"")
    yield lambda text: _joined(boundary, [*_with([*parts, (file, b"", b"")], len(parts), text.encode()), nameless])


def _quotable(text: str) -> bytes:
    return text.replace('"', "").replace("\n", "").encode()


def _with(parts: list[tuple[bytes, bytes, bytes]], number: int, content: bytes) -> list[tuple[bytes, bytes, bytes]]:
    head, blank, _ = parts[number]
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    sized = b"\r\n".join([*lines, b"Content-Length: %d" % len(content)])
    return [*parts[:number], (sized, blank, content + b"\r\n"), *parts[number + 1 :]]


def _joined(boundary: bytes, parts: list[tuple[bytes, bytes, bytes]]) -> bytes:
    return b"".join(boundary + head + b"\r\n\r\n" + content for head, _, content in parts) + boundary + b"--\r\n"
