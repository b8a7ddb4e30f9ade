"""Guards look at an answer before it leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass


class GuardTripped(Exception):
    """An answer may not leave."""


@dataclass(frozen=True)
class Guard:
    """Refuses answers that match a pattern."""

    name: str
    pattern: str

    def check(self, answer: str) -> None:
        if re.search(self.pattern, answer):
            raise GuardTripped(f"the guard {self.name} stopped an answer")


#: Thirteen digits and more, also in groups: a payment card.
CARD_NUMBERS = Guard("card numbers", r"(?:\d[ -]?){13,19}")
