"""GitHubApp: the App's identity on GitHub or an Enterprise Server; makes the forge of each repository."""

import threading
from collections.abc import Mapping

import httpx
from github import Auth

from bot.forge.credentials import ISSUES, PUBLISH, READ, InstallationToken
from bot.forge.github import API, GitHubForge
from bot.forge.github_channel import Channel
from bot.forge.github_client import TIMEOUT_S, USER_AGENT, Client
from bot.forge.hook_deliveries import HookDeliveries

#: 80 writes a minute are allowed. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
SECONDS_BETWEEN_WRITES = 1.0


class GitHubApp:
    """The App's identity; makes one forge for each repository and keeps it.

    Parameters
    ----------
    app_id
        The App's number.
    private_key
        Its key, PEM.
    api_url
        The API's address: `https://HOST/api/v3` for GitHub Enterprise Server.
    seconds_between_writes
        Pause before each write; None for none.

    """

    def __init__(
        self,
        app_id: str,
        private_key: str,
        *,
        api_url: str = API,
        seconds_between_writes: float | None = SECONDS_BETWEEN_WRITES,
    ) -> None:
        self._auth = Auth.AppAuth(app_id, private_key)
        self._client = httpx.Client(base_url=api_url, timeout=TIMEOUT_S, headers={"User-Agent": USER_AGENT})
        self._seconds_between_writes = seconds_between_writes
        self._lock = threading.Lock()
        self._forges: dict[tuple[str, int | None], GitHubForge] = {}
        #: By installation; by repository where the installation is not known.
        self._clients: dict[str, Client] = {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
        self._client.close()

    def forge(self, repository: str, installation_id: int | None = None) -> "GitHubForge":
        """Return the forge of `owner/name`; None asks GitHub for the installation."""
        with self._lock:
            key = (repository, installation_id)
            if key not in self._forges:
                # A token is made when its channel is first used: without a dashboard, none for issues is asked for.
                reading, publishing, issues = (self._channel(*key, each) for each in (READ, PUBLISH, ISSUES))
                self._forges[key] = GitHubForge(
                    repository, str(self._client.base_url), reading=reading, publishing=publishing, issues=issues
                )
            return self._forges[key]

    def installation_id(self, repository: str) -> int:
        """Ask GitHub for the App's installation on `owner/name`."""
        return self._token(repository, None, READ).installation_id()

    def hook_deliveries(self) -> HookDeliveries:
        """Return what asks for the deliveries that GitHub made to the App."""
        return HookDeliveries(self._client, self._auth.create_jwt)

    def _channel(self, repository: str, installation_id: int | None, permissions: Mapping[str, str]) -> "Channel":
        whose = repository if installation_id is None else str(installation_id)
        if whose not in self._clients:
            self._clients[whose] = Client(str(self._client.base_url), self._seconds_between_writes)
        token = self._token(repository, installation_id, permissions)
        return Channel(repository, token, self._clients[whose])

    def _token(self, repository: str, installation_id: int | None, permissions: Mapping[str, str]) -> InstallationToken:
        return InstallationToken(
            self._client,
            self._auth.create_jwt,
            repository=repository,
            installation_id=installation_id,
            permissions=permissions,
        )
