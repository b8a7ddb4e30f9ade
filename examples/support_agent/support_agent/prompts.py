"""The system prompt, put together from the files in `prompts/`."""

from pathlib import Path

PROMPTS = Path(__file__).parent.parent / "prompts"
PARTS = ("system.md", "refunds.md", "style.md")


def system_prompt() -> str:
    return "\n\n".join((PROMPTS / part).read_text(encoding="utf-8").strip() for part in PARTS)
