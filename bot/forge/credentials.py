"""Installation tokens of a GitHub App, each narrowed to one repository and the permissions that its job needs.

https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
"""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.forge.answers import error_of
from bot.forge.errors import Unavailable

#: What reading a repository for an evaluation needs: no more.
READ = {"contents": "read"}
#: What publishing needs; never workflows, administration or secrets.
PUBLISH = {"contents": "write", "pull_requests": "write", "checks": "write"}
#: What the dashboard issue needs; only asked for where the owners want one.
ISSUES = {"issues": "write"}

_MARGIN = timedelta(minutes=5)  # a token that ends within a job is of no use


class InstallationToken:
    """One token, made when it is first needed and again before it ends; safe to share between threads.

    Parameters
    ----------
    client
        Its base URL is the API's.
    sign
        Returns a fresh JSON web token of the App.
    repository
        `owner/name`.
    permissions
        As GitHub names them, such as `READ`.
    installation_id
        None to ask GitHub for the one of the repository.
    now
        Returns the time, aware.

    """

    def __init__(
        self,
        client: httpx.Client,
        sign: Callable[[], str],
        *,
        repository: str,
        permissions: Mapping[str, str],
        installation_id: int | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._sign = sign
        self._repository = repository
        self._permissions = dict(permissions)
        self._installation_id = installation_id
        self._now = now
        self._lock = threading.Lock()
        self._value = ""
        self._ends = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"InstallationToken({self._repository!r}, {self._permissions})"

    def value(self) -> str:
        """Return a token that is good for some minutes at least.

        Raises
        ------
        ForgeError
            GitHub does not know the App, or it is not installed on the repository, or there is no answer.

        """
        with self._lock:
            if self._now() + _MARGIN > self._ends:
                self._value, self._ends = self._make()
            return self._value

    def forget(self) -> None:
        """Make a new token next time: GitHub refused this one."""
        with self._lock:
            self._ends = datetime.min.replace(tzinfo=UTC)

    def installation_id(self) -> int:
        """Return the id of the App's installation on the repository; GitHub is asked when it was not given."""
        return self._installation_id or int(self._ask("GET", f"/repos/{self._repository}/installation")["id"])

    def _make(self) -> tuple[str, datetime]:
        wanted = {"repositories": [self._repository.split("/")[1]], "permissions": self._permissions}
        answer = self._ask("POST", f"/app/installations/{self.installation_id()}/access_tokens", wanted)
        return str(answer["token"]), datetime.fromisoformat(answer["expires_at"])

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._sign()}", "Accept": "application/vnd.github+json"}
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(f"no answer from {self._client.base_url.host}: {type(error).__name__}") from error
        if not answer.is_success:
            raise error_of(answer.status_code, f"{method} {path}", answer.text[:300], answer.headers)
        return dict(answer.json())
