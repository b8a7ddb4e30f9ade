"""Lessons, as a model is told them: what earlier fixes came to, quoted and no instruction."""

from collections.abc import Sequence
from importlib.resources import files
from string import Template

from fixers.quoting import fenced


def tell(lessons: Sequence[tuple[str, str]]) -> str:
    """Return the part of a task that holds the lessons, (who said it, what); empty when there are none."""
    if not lessons:
        return ""
    quoted = "\n\n".join(fenced(text, source) for source, text in lessons)
    return Template((files("fixers") / "prompts" / "lessons.md").read_text()).substitute(lessons=quoted)
