"""Read an OTLP/HTTP trace export request and write its answer. No I/O: bytes in, spans out.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from collections.abc import Callable, Iterator
from itertools import islice

import orjson
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no types are published for it

from webhooks import otlp_json, otlp_protobuf
from webhooks.errors import UnsupportedMedia
from webhooks.otlp_fields import MAX_SPANS, check_size, shown
from webhooks.trace import Span

# https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
PROTOBUF = "application/x-protobuf"
JSON = "application/json"

READERS: dict[str, Callable[[bytes], Iterator[Span]]] = {
    PROTOBUF: otlp_protobuf.read_spans,
    JSON: otlp_json.read_spans,
}
DIALECTS = {PROTOBUF: "otlp-protobuf", JSON: "otlp-json"}

# https://grpc.io/docs/guides/status-codes/
INVALID_ARGUMENT = 3
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
UNAVAILABLE = 14
UNAUTHENTICATED = 16
RPC_CODES = {
    400: INVALID_ARGUMENT,
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    413: RESOURCE_EXHAUSTED,
    503: UNAVAILABLE,
}


def decode(body: bytes, content_type: str) -> list[Span]:
    """Return the spans of an export request, in the order sent.

    Parameters
    ----------
    body
        The request's body, decompressed.
    content_type
        The request's Content-Type, parameters and all.

    Raises
    ------
    UnsupportedMedia
        When the content type is neither protobuf nor JSON.
    Undecodable
        When the body is not an export request, or holds a span without a valid id or time.

    """
    spans = list(islice(READERS[media_type(content_type)](body), MAX_SPANS + 1))
    check_size(len(spans), name="spans in a request", limit=MAX_SPANS)
    return spans


def dialect(content_type: str) -> str:
    """Return the name under which a body of this type is kept."""
    return DIALECTS[media_type(content_type)]


def media_type(content_type: str) -> str:
    """Return PROTOBUF or JSON; raise UnsupportedMedia for any other content type."""
    found = content_type.partition(";")[0].strip().lower()
    if found not in READERS:
        raise UnsupportedMedia(f"the content type must be {PROTOBUF} or {JSON}: {shown(content_type)}")
    return found


def response(content_type: str) -> bytes:
    """Return the body that says all was accepted: a response message with nothing set."""
    return b"" if media_type(content_type) == PROTOBUF else b"{}"


def error_response(status: int, message: str, content_type: str) -> bytes:
    """Return a google.rpc.Status for an HTTP status, in the request's own type."""
    code = RPC_CODES.get(status, INVALID_ARGUMENT)
    if media_type(content_type) == PROTOBUF:
        encoded: bytes = Status(code=code, message=message).SerializeToString()
        return encoded
    return orjson.dumps({"code": code, "message": message})
