import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.decompress import decompress
from webhooks.errors import TooLarge, Undecodable, UnsupportedMedia, WebhookError

ENCODINGS = [("gzip", gzip.compress), ("deflate", zlib.compress)]


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


def test_a_bomb_is_refused_without_unpacking_it() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decompress(bomb, "gzip", limit=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


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
    ):
        with pytest.raises(Undecodable):
            decompress(damaged, encoding)


def test_an_unknown_encoding_is_unsupported() -> None:
    with pytest.raises(UnsupportedMedia, match="'zstd'"):
        decompress(b"", "zstd")


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_random_bytes_raise_nothing_but_webhook_errors(body: bytes, encoding: str) -> None:
    with suppress(WebhookError):
        decompress(body, encoding)
