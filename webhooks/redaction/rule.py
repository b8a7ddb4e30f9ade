"""Rule: one kind of secret and how it is recognised."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of secret. Patterns are RE2's, on bytes: no look-around, no backtracking, linear time."""

    #: Stands in the placeholder and in the counts; lowercase words joined by hyphens.
    name: str
    #: What a match replaces: the pattern's one group, or the whole match where it has none.
    pattern: bytes
    #: Literals, one of which is in every match, at least three bytes each. By them a match is found in base64 and hex;
    #: a rule without any is looked for in plain, percent-encoded and disguised text only.
    anchors: tuple[bytes, ...] = ()
    #: Whether a letter or digit before the match rules it out. For prefixes that end ordinary words.
    bounded: bool = False
    #: A last look at the secret: a checksum, or a shape that no regular language has.
    check: Callable[[bytes], bool] | None = None
