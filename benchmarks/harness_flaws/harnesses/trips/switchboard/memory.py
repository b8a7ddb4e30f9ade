"""Memory: what is known about the person in one conversation."""

from __future__ import annotations


class Memory:
    """Facts by name."""

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}

    def remember(self, name: str, value: str) -> None:
        self.facts[name] = value

    def told(self) -> str:
        """Return the facts as a paragraph for the instructions; empty when nothing is known."""
        if not self.facts:
            return ""
        known = "; ".join(f"{name}: {value}" for name, value in self.facts.items())
        return f"Known about this traveller: {known}."
