"""Channel: a way to one repository on GitHub, with the permissions of its token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import github
import requests
from github import Auth
from github.Repository import Repository
from urllib3 import Retry

from bot.errors import ForgeError
from bot.forge.answers import error_of
from bot.forge.credentials import InstallationToken
from bot.forge.errors import TokenRefused, Unavailable

USER_AGENT = "tracewright"
TIMEOUT_S = 20
UNPROCESSABLE = 422

_T = TypeVar("_T")


class Channel:
    """A way to one repository, with the permissions of its token."""

    def __init__(self, repository: str, token: InstallationToken, api_url: str, pause_s: float | None) -> None:
        self.token = token
        self._repository = repository
        # Limits are not waited for here, where a thread would sleep for up to an hour, and a POST is never sent twice.
        retry = Retry(
            total=3,
            backoff_factor=0.3,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods={"GET", "HEAD", "DELETE"},
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._github = github.Github(
            auth=_InstallationAuth(token),
            base_url=api_url.rstrip("/"),
            timeout=TIMEOUT_S,
            user_agent=USER_AGENT,
            per_page=100,
            lazy=True,  # an object is asked for when one of its fields is read: always within `ask`
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=pause_s,
        )

    def ask(self, doing: str, action: Callable[[Repository], _T]) -> _T:
        """Run `action` on the repository; once more with a new token when GitHub refuses the present one."""
        repository = self._github.get_repo(self._repository)
        try:
            with _translated(doing):
                return action(repository)
        except TokenRefused:
            self.token.forget()
        with _translated(doing):
            return action(repository)


class _InstallationAuth(Auth.Auth):
    """Hands PyGithub a token that is good now, for each request."""

    def __init__(self, token: InstallationToken) -> None:
        self._token = token

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        return self._token.value()


class Unprocessable(ForgeError):
    """GitHub understood, and refuses: the thing exists, or the request is wrong."""


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except github.GithubException as error:
        words = _words(error.data)
        if error.status == UNPROCESSABLE:
            raise Unprocessable(f"{doing}: {error.status} {words}") from error
        raise error_of(error.status, doing, words, error.headers or {}) from error
    except requests.RequestException as error:
        raise Unavailable(f"{doing}: {type(error).__name__}") from error


def _words(data: object) -> str:
    if not isinstance(data, dict):
        return str(data)
    details = [
        str(item.get("message", item)) if isinstance(item, dict) else str(item) for item in data.get("errors", [])
    ]
    return "; ".join([str(data.get("message", "")), *details])
