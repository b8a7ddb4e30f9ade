"""Read a command at the start of a comment, such as `/tracewright ignore known flake`. No I/O."""

import re
from dataclasses import dataclass
from enum import StrEnum

MARK = "/tracewright"
MAX_WORDS = 500
_COMMAND = re.compile(rf"{MARK}(?![^\s])[ \t]*(\S*)[ \t]*(.*)")


class Verb(StrEnum):
    """What people may ask for."""

    RERUN = "rerun"
    EXPLAIN = "explain"
    IGNORE = "ignore"
    REBASE = "rebase"
    SPLIT = "split"
    REOPEN = "reopen"


#: What each does, for the help.
MEANINGS = {
    Verb.RERUN: "tries the fix again, on the present head",
    Verb.EXPLAIN: "says what is wrong, and why the change mends it",
    Verb.IGNORE: "closes the pull request and leaves this failure alone; a reason may follow",
    Verb.REBASE: "builds the branch anew on today's default branch, if the fix holds there",
    Verb.SPLIT: "parts this failure by what follows, such as `message`; alone, it says what could",
    Verb.REOPEN: "takes a closed pull request up again, with new evidence",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a comment asks for."""

    #: None when there is no such command.
    verb: Verb | None
    #: The rest of the line. Data, never instructions.
    words: str


def read_command(comment: str) -> Command | None:
    """Return the command that a comment begins with, None when it is no command."""
    found = _COMMAND.match(comment.lstrip())
    if found is None:
        return None
    verb = found[1].lower()
    return Command(verb=Verb(verb) if verb in set(Verb) else None, words=found[2].strip()[:MAX_WORDS])
