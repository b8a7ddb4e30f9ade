"""How values become columns that SQLite and PostgreSQL keep alike, and back."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from isal import isal_zlib

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# PostgreSQL refuses index entries above 2,704 bytes; the longest key holds three texts of up to 4 bytes a character.
LONGEST_SEARCHED = 200
# The sender waits while its body is compressed: with ISA-L a quarter of zlib's fastest, and smaller.
COMPRESSION_LEVEL = 2
# Reads the header to see whether the body is in gzip's or in zlib's format: https://zlib.net/manual.html#Advanced
ANY_FORMAT = 15 + 32
# Far below the 32,766 parameters that SQLite takes in one statement.
CHUNK = 500

T = TypeVar("T")


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970, which sort and subtract alike in both databases."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(us: int) -> datetime:
    """Return the aware UTC time of `microseconds`."""
    return EPOCH + timedelta(microseconds=us)


def searched(text: str) -> str:
    """Return a trace's text as a column to search by: short, and without what PostgreSQL or UTF-8 cannot hold.

    The text in full is in the raw batch. NUL and lone surrogates are legal in JSON strings.
    """
    short = text[:LONGEST_SEARCHED]
    if short.isascii() and "\0" not in short:
        return short
    return short.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def searched_or_none(text: str | None) -> str | None:
    """Return `searched(text)`, None for None."""
    return None if text is None else searched(text)


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
