"""Undo zstd, whose bodies may be several frames, a piece at a time. No I/O."""

from collections.abc import Iterator

from backports import zstd

from webhooks.errors import Undecodable

# What an encoder of HTTP bodies may make a decoder remember: https://www.rfc-editor.org/rfc/rfc9659
WINDOW_LOG_MAX = 23  # 8 MiB
OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG_MAX}
# Each further frame copies what is left of the body; parallel compressors make one frame for a few megabytes.
MAX_FRAMES = 64


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """Yield what the frames of a body hold, at most `size` bytes at a time.

    Raises
    ------
    Undecodable
        When the body is damaged, cut short, followed by something else, or of too many frames.

    """
    rest = body
    for _ in range(MAX_FRAMES):
        frame = zstd.ZstdDecompressor(options=OPTIONS)
        try:
            yield frame.decompress(rest, max_length=size)
            while not frame.eof and not frame.needs_input:
                yield frame.decompress(b"", max_length=size)
        except zstd.ZstdError as error:
            raise Undecodable(f"the body is not zstd ({len(body)} bytes): {error}") from error
        if not frame.eof:
            raise Undecodable(f"the zstd body is cut short after {len(body)} bytes")
        rest = frame.unused_data
        if not rest:
            return
    raise Undecodable(f"the zstd body has more than {MAX_FRAMES} frames")
