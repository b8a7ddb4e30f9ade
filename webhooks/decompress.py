"""Undo a request's Content-Encoding, and hold no more of a body than may be kept. No I/O."""

from collections.abc import Callable, Iterator
from functools import partial

from isal import igzip_lib

from webhooks import zstd_frames
from webhooks.errors import TooLarge, Undecodable, UnsupportedMedia

# https://opentelemetry.io/docs/specs/otlp/#otlphttp-request asks for a limit and recommends this one
LIMIT = 64 * 1024 * 1024

# Nearly every body comes out in one piece; a longer one is unpacked twice, so that a bomb is never held. The decoder
# takes room for a whole piece at once: what is taken out of the heap costs a third less than fresh pages of the system.
PIECE = 2 * 1024 * 1024

DEFLATED = {
    "gzip": igzip_lib.DECOMP_GZIP,
    "x-gzip": igzip_lib.DECOMP_GZIP,
    "deflate": igzip_lib.DECOMP_ZLIB,  # HTTP's deflate is zlib's format: RFC 9110, 8.4.1.2
}
ZSTD = "zstd"
FORMATS = frozenset({*DEFLATED, ZSTD})
# How each begins: RFC 1952 (2.3.1), RFC 1950 (2.2, at every level), RFC 8878 (3.1.1)
BEGINNINGS = (b"\x1f\x8b", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"\x28\xb5\x2f\xfd")


def decompress(body: bytes, encoding: str, *, limit: int = LIMIT) -> bytes:
    """Return the body as it was before it was compressed.

    Parameters
    ----------
    body
        The body as received.
    encoding
        The Content-Encoding header; empty when there is none.
    limit
        The most bytes that may come out.

    Raises
    ------
    UnsupportedMedia
        When the encoding is not gzip, deflate, zstd or identity.
    TooLarge
        When more than `limit` bytes would come out.
    Undecodable
        When the body is damaged, cut short, or followed by something else.

    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _within(body, limit)
    if name not in FORMATS:
        raise UnsupportedMedia(f"the content encoding must be gzip, deflate, zstd or identity: {encoding[:40]!r}")
    size = min(PIECE, limit + 1)
    return _joined(
        partial(zstd_frames.pieces, body, size) if name == ZSTD else partial(_inflated, body, name, size), limit
    )


def is_compressed(body: bytes) -> bool:
    """Return whether a body begins as gzip, zlib's format or zstd do, whatever was said of it."""
    return body.startswith(BEGINNINGS)


def _joined(pieces: Callable[[], Iterator[bytes]], limit: int) -> bytes:
    """Return the pieces as one; of a long body all are counted before more than the first is kept."""
    first, n_bytes = b"", 0
    for piece in pieces():
        first = first or piece
        n_bytes += len(piece)
        if n_bytes > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
    return first if len(first) == n_bytes else b"".join(pieces())


def _inflated(body: bytes, name: str, size: int) -> Iterator[bytes]:
    stream = igzip_lib.IgzipDecompressor(flag=DEFLATED[name])
    try:
        yield stream.decompress(body, size)
        while not stream.eof and not stream.needs_input:
            yield stream.decompress(b"", size)
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # a class, though isal's stub says an instance
        raise Undecodable(f"the body is not {name} ({len(body)} bytes): {error}") from error
    if not stream.eof:
        raise Undecodable(f"the {name} body is cut short after {len(body)} bytes")
    if stream.unused_data:
        raise Undecodable(f"{len(stream.unused_data)} bytes follow the end of the {name} body")


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise TooLarge(f"the body has more than {limit} bytes")
    return body
