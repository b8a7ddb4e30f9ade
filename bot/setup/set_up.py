"""SetUp: who may register the App from here, and which registration is ours.

Whoever comes first could make this installation an App of theirs. So the page needs a token that the terminal shows,
and GitHub's answer needs the `state` of a form that this page made: random, good once, and for an hour.
"""

import hmac
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any

from bot.setup.manifest import form_action, manifest
from bot.setup.stored_app import RegisteredApp, store_app

PATH = "/setup"
REDIRECT_PATH = "/setup/created"
GOOD_FOR = timedelta(hours=1)  # as long as GitHub's code
MAX_STATES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A form that registers the App on GitHub."""

    action: str
    manifest: dict[str, Any] = field(repr=False)


@dataclass(kw_only=True)
class SetUp:
    """The set-up of one running `serve`."""

    github_url: str
    public_url: str
    #: Where the App's files go.
    data: Path
    events: Iterable[str]
    #: Asks GitHub for the App of a code.
    exchange: Callable[[str], RegisteredApp]
    now: Callable[[], datetime]
    token: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    is_done: bool = False
    _states: dict[str, datetime] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def address(self) -> str:
        """What the terminal shows."""
        return f"{self.public_url}{PATH}?token={self.token}"

    def is_invited(self, token: str) -> bool:
        """Tell whether the set-up is open, and to this visitor."""
        return not self.is_done and hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    def offer(self, *, organization: str, dashboard: bool, deployments: bool) -> Offer:
        """Return a form with a new state."""
        state = token_urlsafe(32)
        with self._lock:
            self._states = {each: ends for each, ends in self._states.items() if ends > self.now()}
            while len(self._states) >= MAX_STATES:
                self._states.pop(next(iter(self._states)))
            self._states[state] = self.now() + GOOD_FOR
        asked = manifest(
            name=f"tracewright-{token_hex(3)}",
            public_url=self.public_url,
            redirect_path=REDIRECT_PATH,
            events=self.events,
            dashboard=dashboard,
            deployments=deployments,
        )
        return Offer(action=form_action(self.github_url, organization=organization, state=state), manifest=asked)

    def accept(self, code: str, state: str) -> RegisteredApp | None:
        """Keep the App that a registration ended with; None when the registration is not ours, or was used before.

        Raises
        ------
        bot.errors.BotError
            GitHub does not take the code, or the files cannot be written.

        """
        with self._lock:
            ends = self._states.pop(state, None)
            if ends is None or ends <= self.now() or self.is_done:
                return None
            app = self.exchange(code)
            store_app(app, self.data)
            self.is_done = True
            return app
