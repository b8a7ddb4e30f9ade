"""The disguises in which a secret is looked for: base64, hex, percent-encoding, and characters that only look like it.

A view finds runs of text that may be a disguise, reads them, and writes them again with the secret replaced: what was
base64 stays base64, so that an attachment or a data URL can still be decoded.
"""

import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote_from_bytes, unquote_to_bytes

#: Rewrites a text with the secrets replaced, or returns it unchanged.
Rewrite = Callable[[bytes], bytes]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
MIN_KNOWN = 3  # characters, the last of them in part: less would be found in any image
URL_SAFE = bytes.maketrans(b"+/", b"-_")
STANDARD = bytes.maketrans(b"-_", b"+/")

# Zero-width and bidirectional marks, letters of other blocks that look like ASCII's, and JSON's escapes of all these.
INVISIBLE = rb"(?:\xc2\xad|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf)"
FULLWIDTH = rb"(?:\xef\xbc[\x81-\xbf]|\xef\xbd[\x80-\x9e])"
MATHEMATICAL = rb"\xf0\x9d[\x90-\x9f][\x80-\xbf]"
ESCAPED_ASCII = rb"00(?:2[1bd-f]|3[0-9ad]|[46][0-9a-f]|5[0-9ad-f]|7[0-9ace])"
ESCAPED = rb"\\+u(?i:" + ESCAPED_ASCII + rb"|00ad|200[b-f]|202[a-e]|206[0-4]|feff|ff[0-5][0-9a-f])"
SLASH = rb"\\+/"
MARK = b"(?:" + b"|".join((INVISIBLE, FULLWIDTH, MATHEMATICAL, ESCAPED, SLASH)) + b")"
ASCII = rb"[\t\n\r -~]"
WORD = rb"[A-Za-z0-9+_=.-]"
# Chinese and Japanese text is full of fullwidth punctuation, and emoji of joiners: only marks beside ASCII count.
FULLWIDTH_WORD = rb"(?:\xef\xbc[\x90-\x99\xa1-\xba\xbf]|\xef\xbd[\x81-\x9a])"
DISGUISED = (
    WORD + b"(?:" + b"|".join((INVISIBLE, FULLWIDTH_WORD, MATHEMATICAL, ESCAPED, SLASH)) + b")",
    b"(?:" + FULLWIDTH_WORD + b"){4}",
    b"(?:" + MATHEMATICAL + b"){4}",
    b"(?:" + ESCAPED + b"){4}",
)
# No encoder that follows RFC 3986 encodes a letter or a digit, so whoever does has something to hide.
PERCENT = (
    rb"%(?i:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae]|25[2-7])",
    rb"(?i:%3a%2f%2f[^\s%]*%3a)",
    rb"(?i:(?:pass|pwd|secret|key|token|authorization)[a-z]*%(?:20|22|27|3[ad]|5c))",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One disguise."""

    #: What must be in a text for this view to be worth trying; RE2, on bytes.
    triggers: Sequence[bytes]
    #: A run of text that the disguise may cover.
    run: bytes
    #: Returns the run with the secrets that it hides replaced.
    reveal: Callable[[bytes, Rewrite], bytes]


def views(anchors: Sequence[bytes]) -> tuple[View, ...]:
    """Return the disguises of texts that hold one of the anchors."""
    return (
        View(
            triggers=DISGUISED,
            run=b"(?:" + ASCII + b"|" + MARK + b")*" + MARK + b"(?:" + ASCII + b"|" + MARK + b")*",
            reveal=_reveal_marks,
        ),
        View(
            triggers=[*PERCENT, *_percent_patterns(anchors)],
            run=rb"(?:\\[bfnrt])?[!#-&(-\[\]-z|~]*%[0-9A-Fa-f]{2}[!#-&(-\[\]-z|~]*",
            reveal=_reveal_percent,
        ),
        View(
            triggers=[pattern for anchor in anchors for pattern in _base64_patterns(anchor)],
            run=rb"[A-Za-z0-9+/_-]{8,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}",
            reveal=_reveal_base64,
        ),
        View(
            triggers=[b"(?i:" + anchor.hex().encode() + b")" for anchor in anchors],
            run=rb"[0-9A-Fa-f]{16,}",
            reveal=_reveal_hex,
        ),
    )


def _percent_patterns(anchors: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the anchors that are percent-encoded as a rule; but for URLs, which stand in many a query."""
    for anchor in anchors:
        encoded = quote_from_bytes(anchor, safe="").encode()
        if encoded != anchor and not anchor.endswith(b"://"):
            yield b"(?i:" + encoded + b")"


def _base64_patterns(anchor: bytes) -> Iterator[bytes]:
    """Yield what the anchor becomes in base64 at each of the three places it can have in a group of three bytes."""
    for offset in range(3):
        bits: list[str] = [*"?" * (8 * offset), *"".join(f"{byte:08b}" for byte in anchor)]
        bits += "?" * (-len(bits) % 6)
        groups = ["".join(bits[at : at + 6]) for at in range(0, len(bits), 6)]
        known = groups.index(next(group for group in groups if "?" not in group))
        # A class of characters at the start is begun at every few bytes of any base64: too many states to keep.
        start = known if len(groups) - known > MIN_KNOWN else offset and known - 1
        yield b"".join(map(_characters, groups[start:]))


def _characters(group: str) -> bytes:
    """Return the class of base64's characters, in both alphabets, whose six bits agree with the known ones."""
    known = re.compile(group.replace("?", "."))
    found = "".join(ALPHABET[value] for value in range(64) if known.fullmatch(f"{value:06b}"))
    return b"[" + found.replace("+", r"+\-").replace("/", "/_").encode() + b"]"


def _reveal_marks(run: bytes, rewrite: Rewrite) -> bytes:
    plain = re.sub(MARK, lambda match: _plain(match[0]), run)
    found = rewrite(plain)
    return run if found == plain else found


def _plain(mark: bytes) -> bytes:
    if mark.endswith(b"/"):
        return b"/"
    letter = chr(int(mark[-4:], 16)) if mark.startswith(b"\\") else mark.decode(errors="replace")
    if unicodedata.category(letter) == "Cf":
        return b""
    return unicodedata.normalize("NFKC", letter).encode()


def _reveal_percent(run: bytes, rewrite: Rewrite) -> bytes:
    escape = run[:2] if run.startswith(b"\\") else b""  # JSON's, whose letter is none of the secret's
    plain = escape + unquote_to_bytes(run[len(escape) :])
    found = rewrite(plain)
    if found == plain:
        return run
    return escape + quote_from_bytes(found.removeprefix(escape), safe=":/?#[]@!$&()*+,;=").encode()


def _reveal_base64(run: bytes, rewrite: Rewrite) -> bytes:
    """Rewrite the run's base64; its start is not known when letters stand before it, so each of four is tried."""
    for start in range(4):
        found = _base64_from(run, start, rewrite)
        if found is not None:
            return found
    return run


def _base64_from(run: bytes, start: int, rewrite: Rewrite) -> bytes | None:
    joined = run[start:].replace(b"\r", b"").replace(b"\n", b"")
    digits = joined.rstrip(b"=").translate(STANDARD)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    plain = b64decode(digits + b"=" * (-len(digits) % 4))
    found = rewrite(plain)
    if found == plain:
        return None
    encoded = b64encode(found)
    if b"-" in joined or b"_" in joined:
        encoded = encoded.translate(URL_SAFE)
    padded = joined.endswith(b"=") or len(joined) % 4 == 0
    return run[:start] + (encoded if padded else encoded.rstrip(b"="))


def _reveal_hex(run: bytes, rewrite: Rewrite) -> bytes:
    return next(filter(None, map(partial(_hex_from, run, rewrite=rewrite), range(2))), run)


def _hex_from(run: bytes, start: int, *, rewrite: Rewrite) -> bytes | None:
    end = len(run) - (len(run) - start) % 2
    plain = bytes.fromhex(run[start:end].decode("ascii"))
    found = rewrite(plain)
    return None if found == plain else run[:start] + found.hex().encode() + run[end:]
