"""Client: an installation's one way to GitHub, for all of its repositories and purposes, in turn.

GitHub asks for requests one after the other, and counts its limits by installation. And PyGithub's client is not made
for threads: it notes a request in one step and sends it in the next, so that two threads may send each other's.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from github import Auth, Github
from urllib3 import Retry

from bot.forge.credentials import InstallationToken

USER_AGENT = "tracewright"
TIMEOUT_S = 20


class Client:
    """One PyGithub client and whose turn it is.

    Parameters
    ----------
    api_url
        The API's address.
    pause_s
        Seconds between two writes, whoever makes them; None for none.

    """

    def __init__(self, api_url: str, pause_s: float | None) -> None:
        self._turn = threading.RLock()
        self._auth = _TokenInTurn()
        # Limits are not waited for here, where a thread would sleep for up to an hour, and a POST is never sent twice.
        retry = Retry(
            total=3,
            backoff_factor=0.3,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods={"GET", "HEAD", "DELETE"},
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._github = Github(
            auth=self._auth,
            base_url=api_url.rstrip("/"),
            timeout=TIMEOUT_S,
            user_agent=USER_AGENT,
            per_page=100,
            lazy=True,  # an object is asked for when one of its fields is read: always within a turn
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=pause_s,
        )

    @contextmanager
    def turn(self, token: InstallationToken) -> Iterator[Github]:
        """Wait for the others, and lend the client to whoever has this token."""
        with self._turn:
            before, self._auth.holder = self._auth.holder, token
            try:
                yield self._github
            finally:
                self._auth.holder = before

    def close(self) -> None:
        """Close the connections."""
        self._github.close()


class _TokenInTurn(Auth.Auth):
    """Hands PyGithub, for each request, the token of whose turn it is: one that is good now."""

    def __init__(self) -> None:
        self.holder: InstallationToken | None = None

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        if self.holder is None:
            raise LookupError("GitHub was asked outside of a turn: an object was read after its `ask`")
        return self.holder.value()
