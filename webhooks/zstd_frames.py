"""Undo zstd, whose bodies may be several frames, in no more memory than is asked for. No I/O."""

from backports import zstd

from webhooks.errors import Undecodable

# What an encoder of HTTP bodies may make a decoder remember: https://www.rfc-editor.org/rfc/rfc9659
WINDOW_LOG_MAX = 23  # 8 MiB
OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW_LOG_MAX}
# Each further frame copies what is left of the body; parallel compressors make one frame for a few megabytes.
MAX_FRAMES = 64


def decompress(body: bytes, max_length: int) -> bytes:
    """Return what the frames of a body hold, cut off at `max_length` bytes.

    Raises
    ------
    Undecodable
        When the body is damaged, cut short, followed by something else, or of too many frames.

    """
    found: list[bytes] = []
    left, rest = max_length, body
    for _ in range(MAX_FRAMES):
        frame = zstd.ZstdDecompressor(options=OPTIONS)
        try:
            found.append(frame.decompress(rest, max_length=left))
        except zstd.ZstdError as error:
            raise Undecodable(f"the body is not zstd ({len(body)} bytes): {error}") from error
        left -= len(found[-1])
        if left <= 0:
            return b"".join(found)
        if not frame.eof:
            raise Undecodable(f"the zstd body is cut short after {len(body)} bytes")
        rest = frame.unused_data
        if not rest:
            return b"".join(found)
    raise Undecodable(f"the zstd body has more than {MAX_FRAMES} frames")
