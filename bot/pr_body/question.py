"""The one question after a pull request was closed without a merge, and how its boxes are read."""

import re

from bot.outcome import Reason
from bot.refusal import PATIENCE, Refusal
from bot.second_chance import bar

MARKER = "why-closed"
#: What each box says beside its name; silence has no box.
BOXES = {
    Reason.WRONG_DIAGNOSIS: "the failure has another cause",
    Reason.WRONG_FIX: "the cause is right, the change is not",
    Reason.UNWANTED: "this should stay as it is",
    Reason.DUPLICATE: "it is mended, or being mended, elsewhere",
    Reason.PROCESS: "not now, or not in this way",
    Reason.OTHER: "a few words below help",
}
_CHECKED = re.compile(r"^- \[[xX]\] \*\*([a-z ]+)\*\*", re.MULTILINE)


def question(refusal: Refusal) -> str:
    """Ask why, once; the answer is for people and for later proposals."""
    boxes = "\n".join(f"- [ ] **{reason.value}**: {meaning}" for reason, meaning in BOXES.items())
    return (
        "Thank you for looking at this. May I ask why it was closed? Check one box, or write a few words; "
        f"I ask this once, and after {PATIENCE.days} days I take silence for the answer.\n\n{boxes}\n\n{bar(refusal)}"
    )


def chosen(comment: str) -> Reason | None:
    """Return the first box that is checked, None when none of ours is."""
    known = {reason.value: reason for reason in BOXES}
    return next((known[name] for name in _CHECKED.findall(comment) if name in known), None)
