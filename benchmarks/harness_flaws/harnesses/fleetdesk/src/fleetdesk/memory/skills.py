"""Skills: what the workshop has learnt, as Markdown files that are shown when a conversation touches them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TOUCHES = "touches:"


@dataclass(frozen=True)
class Skill:
    """One file."""

    name: str
    #: Words, one of which a conversation must have.
    touches: tuple[str, ...]
    text: str

    def is_touched(self, words: str) -> bool:
        lower = words.lower()
        return any(word in lower for word in self.touches)


def read_skill(path: Path) -> Skill:
    """Read a file whose first line may say what it touches."""
    text = path.read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    if first.lower().startswith(TOUCHES):
        words = tuple(word.strip().lower() for word in first[len(TOUCHES) :].split(",") if word.strip())
        return Skill(path.stem, words, rest.strip())
    return Skill(path.stem, (path.stem.replace("_", " "),), text.strip())


def read_skills(folder: Path) -> list[Skill]:
    """Read all skills of a folder."""
    return [read_skill(path) for path in sorted(folder.glob("*.md"))]


def relevant(skills: list[Skill], words: str) -> str:
    """Return the texts of the skills that a conversation touches."""
    return "\n\n".join(skill.text for skill in skills if skill.is_touched(words))
