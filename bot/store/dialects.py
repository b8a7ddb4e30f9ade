"""Dialects: which parser reads a kept body again."""

from collections.abc import Sequence

from webhooks.dialects import decode
from webhooks.trace import Span


def decode_body(dialect: str, body: bytes) -> Sequence[Span]:
    """Return the spans of a body in the order in which the receiver read them."""
    return decode(dialect, body)
