"""How values become columns that SQLite and PostgreSQL keep alike, and back."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from isal import isal_zlib

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The sender waits while its body is compressed: with ISA-L a quarter of zlib's fastest, and smaller.
COMPRESSION_LEVEL = 2
# Reads the header to see whether the body is in gzip's or in zlib's format: https://zlib.net/manual.html#Advanced
ANY_FORMAT = 15 + 32
# Far below the 32,766 parameters that SQLite takes in one statement.
CHUNK = 500

T = TypeVar("T")


def moment(us: int) -> datetime:
    """Return the aware UTC time of `microseconds`."""
    return EPOCH + timedelta(microseconds=us)


def compress(body: bytes) -> bytes:
    """Compress a body that is kept for later."""
    return isal_zlib.compress(body, COMPRESSION_LEVEL)


def decompress(body: bytes) -> bytes:
    """Return what `compress` was given, or what a sender gzipped."""
    return zlib.decompress(body, ANY_FORMAT)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield the values in lists of at most `size`."""
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk
