"""Prompts: Markdown files with a short head, put together for each conversation.

    ---
    order: 10
    when: always
    ---
    You are ...
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

import yaml

from fleetdesk.errors import Misconfigured

MARK = "---"


@dataclass(frozen=True)
class Piece:
    """One file of the prompt."""

    name: str
    order: int
    #: "always", or a word that the conversation must have.
    when: str
    text: str

    def applies(self, words: str) -> bool:
        return self.when == "always" or self.when.lower() in words.lower()


def read_piece(path: Path) -> Piece:
    """Read one file; Misconfigured when it has no head."""
    whole = path.read_text(encoding="utf-8")
    if not whole.startswith(MARK):
        raise Misconfigured(f"{path.name} does not begin with {MARK}")
    _, head, text = whole.split(MARK, 2)
    fields = yaml.safe_load(head) or {}
    return Piece(
        name=path.stem,
        order=int(fields.get("order", 100)),
        when=str(fields.get("when", "always")),
        text=text.strip(),
    )


def read_pieces(folder: Path) -> list[Piece]:
    """Read every Markdown file of a folder, in their order."""
    pieces = [read_piece(path) for path in sorted(folder.glob("*.md"))]
    return sorted(pieces, key=lambda piece: (piece.order, piece.name))


def compose(pieces: list[Piece], *, words: str, **values: str) -> str:
    """Put together what applies to a conversation that has these words, with $names filled in."""
    texts = [Template(piece.text).safe_substitute(values) for piece in pieces if piece.applies(words)]
    return "\n\n".join(texts)
