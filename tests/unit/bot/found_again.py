"""Look for secrets in whatever was kept, in each way in which somebody could read it.

Shares no code with redaction: what one overlooks, the other must not.
"""

import binascii
import re
import sqlite3
import unicodedata
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

import hyperscan
from backports import zstd

DEPTH = 2
SHORT = 16
MAX_BYTES = 1 << 26
URL_SAFE = bytes.maketrans(b"-_", b"+/")


class Seeker:
    """Finds the secrets, by a piece of each that no other text has.

    Parameters
    ----------
    secrets
        Name -> secret.

    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        pieces = [(name, piece) for name, secret in secrets for piece in _pieces(secret)]
        self._names = [name for name, _ in pieces]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[re.escape(piece).encode() for _, piece in pieces],
            flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(pieces),
            ids=list(range(len(pieces))),
        )

    def found(self, contents: Iterable[bytes]) -> set[str]:
        """Return the names of the secrets that are in one of the contents, however it is read."""
        numbers: set[int] = set()
        for content in contents:
            for reading in _readings(content, DEPTH):
                self._database.scan(reading, match_event_handler=lambda number, *_: numbers.add(number))
        return {self._names[number] for number in numbers}


def kept_in(folder: Path) -> Iterator[bytes]:
    """Yield the bytes of every file in a folder of SQLite databases, then every value of every column, unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.read_bytes()
    with closing(sqlite3.connect(folder / "tracewright.db")) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f"SELECT * FROM {table}"):
                yield b"\n".join(map(_unpacked, row))


def _pieces(secret: str) -> list[str]:
    core = max(secret.splitlines(), key=len)
    return [core[-SHORT:], *([core[-40:-24]] if len(core) >= 40 else [])]  # two that do not overlap


def _unpacked(value: object) -> bytes:
    """Return a value as bytes, with what it holds compressed, as often as it is, and as far as it can be read."""
    if not isinstance(value, bytes):
        return str(value).encode(errors="replace")
    stream = zlib.decompressobj(47)
    found = b""
    with suppress(zlib.error):
        for start in range(0, len(value), 64):
            found += stream.decompress(value[start : start + 64], MAX_BYTES)
    if not found:
        frame = zstd.ZstdDecompressor()
        with suppress(zstd.ZstdError, EOFError):
            found = frame.decompress(value, MAX_BYTES)
    return value + b"\n" + _unpacked(found) if found else value


def _readings(content: bytes, depth: int) -> Iterator[bytes]:
    yield content
    if depth:
        plain = _plain(content)
        for other in (plain, *_from_base64(content), *_from_hex(content)):
            yield from _readings(other, depth - 1)


def _plain(content: bytes) -> bytes:
    """Return text without escapes and marks that do not show, and with every letter as ASCII has it."""
    content = re.sub(rb"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)).encode(errors="replace"), content)
    content = re.sub(rb"\\+/", b"/", content)
    text = re.sub("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]", "", content.decode(errors="replace"))
    return unquote_to_bytes(unicodedata.normalize("NFKC", text).encode())


def _from_base64(content: bytes) -> Iterator[bytes]:
    runs = [run.translate(URL_SAFE) for run in re.findall(rb"[A-Za-z0-9+/_-]{16,}", content)]
    for start in range(4):
        yield b"\n".join(b64decode(run[start : start + (len(run) - start) // 4 * 4]) for run in runs)


def _from_hex(content: bytes) -> Iterator[bytes]:
    runs = re.findall(rb"[0-9A-Fa-f]{32,}", content)
    for start in range(2):
        yield b"\n".join(binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2]) for run in runs)
