"""Session: one conversation, and what is known about who leads it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleetdesk.llm.messages import Message, system, user

MAX_SESSIONS = 500


@dataclass
class Session:
    """The messages so far; the first one is the system's."""

    session_id: str
    user_id: str
    messages: list[Message] = field(default_factory=list)
    n_steps: int = 0

    def begin(self, prompt: str) -> None:
        """Set the system message; one that is there already is replaced."""
        if self.messages and self.messages[0]["role"] == "system":
            self.messages[0] = system(prompt)
        else:
            self.messages.insert(0, system(prompt))

    def hear(self, words: str) -> None:
        self.messages.append(user(words))

    def add(self, *messages: Message) -> None:
        self.messages.extend(messages)


class Sessions:
    """The conversations of one process; the oldest are forgotten."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self.limit = limit
        self._open: dict[str, Session] = {}

    def get(self, session_id: str, user_id: str) -> Session:
        """Return a person's conversation; one of somebody else is never returned."""
        found = self._open.get(session_id)
        if found is None or found.user_id != user_id:
            found = self._open[session_id] = Session(session_id, user_id)
            while len(self._open) > self.limit:
                self._open.pop(next(iter(self._open)))
        return found

    def __len__(self) -> int:
        return len(self._open)
