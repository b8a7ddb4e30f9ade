import gzip
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from webhooks.decompress import decompress
from webhooks.errors import TooLarge, Undecodable, UnsupportedMedia, WebhookError

ENCODINGS = [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd.compress)]


@pytest.mark.parametrize(
    ("encoding", "compress"), [*ENCODINGS, ("", bytes), ("identity", bytes), (" GZIP ", gzip.compress)]
)
def test_a_body_comes_back_whole(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    assert decompress(compress(b"spans" * 1000), encoding) == b"spans" * 1000


@pytest.mark.parametrize(("encoding", "compress"), [*ENCODINGS, ("", bytes)])
def test_the_limit_itself_is_allowed_and_one_more_byte_is_not(
    encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    assert len(decompress(compress(bytes(1000)), encoding, limit=1000)) == 1000
    with pytest.raises(TooLarge, match="more than 1000 bytes"):
        decompress(compress(bytes(1001)), encoding, limit=1000)


@pytest.mark.parametrize(("encoding", "compress"), ENCODINGS)
def test_a_bomb_is_refused_without_unpacking_it(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    bomb = compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decompress(bomb, encoding, limit=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_the_frames_of_a_zstd_body_are_read_one_after_another() -> None:
    frames = zstd.compress(b"one ") + zstd.compress(b"two ") + zstd.compress(b"three")
    assert decompress(frames, "zstd") == b"one two three"
    with pytest.raises(TooLarge):
        decompress(frames, "zstd", limit=12)


def test_a_zstd_body_of_very_many_frames_is_refused() -> None:
    with pytest.raises(Undecodable, match="more than 64 frames"):
        decompress(zstd.compress(b"x") * 65, "zstd")


def test_a_zstd_frame_that_wants_much_memory_is_refused() -> None:
    greedy = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    with pytest.raises(Undecodable, match="memory"):
        decompress(greedy.compress(bytes(1000)) + greedy.flush(), "zstd")


@pytest.mark.parametrize(("encoding", "compress"), ENCODINGS)
def test_a_damaged_body_is_undecodable(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    whole = compress(b"spans" * 1000)
    for damaged in (
        whole[:-1],
        whole[:3],
        b"",
        whole + b"x",
        b"not compressed at all",
        whole[:9] + b"\xff\xff" + whole[11:],
        bytes(4) + whole[4:],
    ):
        with pytest.raises(Undecodable):
            decompress(damaged, encoding)


def test_an_unknown_encoding_is_unsupported() -> None:
    with pytest.raises(UnsupportedMedia, match="'br'"):
        decompress(b"", "br")


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd"]))
def test_random_bytes_raise_nothing_but_webhook_errors(body: bytes, encoding: str) -> None:
    with suppress(WebhookError):
        decompress(body, encoding)


MEGABYTES_OF_ZEROS = 256
PROBE = r"""
import re, sys
from pathlib import Path
from webhooks.decompress import decompress
from webhooks.errors import TooLarge
try:
    decompress(Path(sys.argv[1]).read_bytes(), sys.argv[2])
    print("taken")
except TooLarge:
    print("refused")
# Not ru_maxrss, which begins at what the parent had.
print(re.search(r"VmHWM:\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""


def peak_kb(path: Path, encoding: str) -> tuple[str, int]:
    """Return what became of a body, and the most memory that a process had which did nothing else."""
    command = [sys.executable, "-c", PROBE, str(path), encoding]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    told, kilobytes = answer.stdout.split()
    return told, int(kilobytes)


@pytest.mark.parametrize(
    ("encoding", "stream"),
    [
        ("gzip", lambda: zlib.compressobj(1, wbits=31)),
        ("deflate", lambda: zlib.compressobj(1)),
        ("zstd", zstd.ZstdCompressor),
    ],
)
def test_a_process_that_refuses_a_bomb_needs_no_more_memory_than_without(
    tmp_path: Path, encoding: str, stream: Callable[[], Any]
) -> None:
    for name, megabytes in (("small", 1), ("bomb", MEGABYTES_OF_ZEROS)):
        packer = stream()
        packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()
        (tmp_path / name).write_bytes(packed)
    (small, without), (bomb, with_bomb) = (peak_kb(tmp_path / name, encoding) for name in ("small", "bomb"))
    assert (small, bomb) == ("taken", "refused")
    assert with_bomb - without < 20_000
