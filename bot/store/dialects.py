"""Dialects: which parser reads a kept body again."""

from collections.abc import Sequence

from webhooks import otlp
from webhooks.errors import UnsupportedMedia
from webhooks.trace import Span

CONTENT_TYPES = {"otlp-protobuf": "application/x-protobuf", "otlp-json": "application/json"}


def decode_body(dialect: str, body: bytes) -> Sequence[Span]:
    """Return the spans of a body in the order in which the receiver read them."""
    content_type = CONTENT_TYPES.get(dialect)
    if content_type is None:
        raise UnsupportedMedia(f"no parser for the dialect {dialect!r}")
    return otlp.decode(body, content_type)
