"""What people ask an agent to do. English only: in another language nothing is seen."""

import re

MAX_TEXT = 2_000  # a longer message is a document, not a wish
CHANGE = re.compile(
    r"""\b(?:book|buy|cancel|change|correct|create|delete|downgrade|exchange|fix|modify|move|open|order|pay|refund|remove
        |replace|reschedule|return|send|switch|undo|update|upgrade)(?:d|ed|ing|ling)?\b""",
    re.IGNORECASE | re.VERBOSE,
)
WISH = re.compile(
    r"""\b(?:can|could|would|will)\syou\b | \bplease\b | \bhelp\sme\b | \blet's\b
      | \bi(?:'d|\swould)?\s(?:want|need|like|wish)\b | \bi(?:'m|\sam)\s(?:looking|trying|hoping)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def wants_a_change(said: str) -> bool:
    """Say whether a person's turn asks for something to be changed, not only for something to be told."""
    if len(said) > MAX_TEXT:
        return False
    return any(CHANGE.search(part) and WISH.search(part) for part in re.split(r"[.?!\n]+", said))
