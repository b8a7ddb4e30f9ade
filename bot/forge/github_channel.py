"""Channel: a way to one repository on GitHub, with the permissions of its token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import github
import requests
from github.Repository import Repository

from bot.errors import ForgeError
from bot.forge.answers import error_of
from bot.forge.credentials import InstallationToken
from bot.forge.errors import TokenRefused, Unavailable
from bot.forge.github_client import Client

UNPROCESSABLE = 422

_T = TypeVar("_T")


class Channel:
    """A way to one repository, with the permissions of its token."""

    def __init__(self, repository: str, token: InstallationToken, client: Client) -> None:
        self.token = token
        self._repository = repository
        self._client = client

    def ask(self, doing: str, action: Callable[[Repository], _T]) -> _T:
        """Run `action` on the repository; once more with a new token when GitHub refuses the present one."""
        try:
            return self._ask(doing, action)
        except TokenRefused:
            self.token.forget()
        return self._ask(doing, action)

    def _ask(self, doing: str, action: Callable[[Repository], _T]) -> _T:
        with self._client.turn(self.token) as github, _translated(doing):
            return action(github.get_repo(self._repository))


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
