"""The GitHub emulator as a child process: npm `emulate` with our extension, on loopback, gone with `stop()`."""

import base64
import json
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HERE = Path(__file__).parent
NODE_MODULES = HERE.parents[1] / "node_modules"
REPOSITORY = "acme/shop-agent"
APP_ID = 12345
INSTALLATION_ID = 100
WEBHOOK_SECRET = "a secret of the tests"
OWNER_TOKEN = "ghp_octocat"
REVIEWER_TOKEN = "ghp_reviewer"
PERMISSIONS = {"metadata": "read", "contents": "write", "pull_requests": "write", "checks": "write", "issues": "write"}


@dataclass
class Emulator:
    """A GitHub with one App installed on one repository.

    Examples
    --------
    >>> emulator = Emulator.start()  # doctest: +SKIP
    >>> emulator.push({"agent.py": "print('hello')"})  # doctest: +SKIP

    """

    url: str
    #: PEM, made for this process.
    private_key: str
    process: subprocess.Popen[bytes]
    client: httpx.Client
    app_id: int = APP_ID
    installation_id: int = INSTALLATION_ID
    repository: str = REPOSITORY
    webhook_secret: str = WEBHOOK_SECRET

    @classmethod
    def start(cls, *, webhook_url: str | None = None) -> "Emulator":
        """Start the server and wait until it answers."""
        key = cls.new_key()
        port = _free_port()
        node = shutil.which("node")
        if node is None or not (NODE_MODULES / "emulate").is_dir():
            raise RuntimeError("the emulator needs node 20 or newer and `npm ci`")
        process = subprocess.Popen([node, str(HERE / "serve.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"port": port, "seed": _seed(key, webhook_url)}).encode() + b"\n")
        process.stdin.flush()  # and left open: the server ends when it is closed, also by our own death
        if not process.stdout.readline().startswith(b"listening"):
            process.kill()
            process.communicate()
            raise RuntimeError("the emulator did not start; its words are above")
        url = f"http://127.0.0.1:{port}"
        return cls(url=url, private_key=key, process=process, client=httpx.Client(base_url=url, timeout=20))

    @staticmethod
    def new_key() -> str:
        """Return a private key, PEM."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.PrivateFormat.TraditionalOpenSSL
        return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    def stop(self) -> None:
        """End the server."""
        self.client.close()
        self.process.communicate(timeout=10)

    def call(self, method: str, path: str, body: object = None, *, token: str = OWNER_TOKEN) -> Any:  # noqa: ANN401 - JSON comes in
        """Speak to the API as a person, and return the decoded answer."""
        answer = self.client.request(method, path, json=body, headers={"Authorization": f"token {token}"})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def graphql(self, change: str, *, token: str = OWNER_TOKEN, **given: object) -> Any:  # noqa: ANN401 - JSON comes in
        """Make a change that only GraphQL has, and return what it returned."""
        kind = f"{change[0].upper()}{change[1:]}Input"
        query = f"mutation($input: {kind}!) {{ {change}(input: $input) {{ clientMutationId }} }}"
        told = self.call("POST", "/graphql", {"query": query, "variables": {"input": given}}, token=token)
        assert "errors" not in told, told["errors"]
        return told["data"][change]

    def push(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str = "main",
        message: str = "Add files",
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """Put one commit with `files` (None deletes) on a branch, made from main when it is new; return its hash."""
        git = f"/repos/{self.repository}/git"
        head, is_new = self._head(branch)
        items = [
            {"path": path, "mode": (modes or {}).get(path, "100644"), "type": "blob", "sha": self._blob(content)}
            for path, content in files.items()
        ]
        base_tree = self.call("GET", f"{git}/commits/{head}")["tree"]["sha"]
        tree = self.call("POST", f"{git}/trees", {"base_tree": base_tree, "tree": items})["sha"]
        commit = self.call("POST", f"{git}/commits", {"message": message, "tree": tree, "parents": [head]})["sha"]
        if is_new:
            self.call("POST", f"{git}/refs", {"ref": f"refs/heads/{branch}", "sha": commit})
        else:
            self.call("PATCH", f"{git}/refs/heads/{branch}", {"sha": commit})
        return str(commit)

    def pulls(self) -> list[dict[str, Any]]:
        """Return every pull request, whatever its state."""
        return list(self.call("GET", f"/repos/{self.repository}/pulls?state=all&per_page=100"))

    def ready(self, number: int) -> None:
        """Take a pull request for ready, as its button does."""
        node = self.call("GET", f"/repos/{self.repository}/pulls/{number}")["node_id"]
        self.graphql("markPullRequestReadyForReview", pullRequestId=node)

    def merge(self, number: int) -> None:
        """Mark a draft as ready and merge it, as a person would."""
        self.ready(number)
        self.call("PUT", f"/repos/{self.repository}/pulls/{number}/merge", {})

    def fail(self, *faults: Mapping[str, Any]) -> None:
        """Let the next matching requests fail: {match, status, headers, body, times, skip, after}.

        `match` is a regular expression on "METHOD /path"; with `after`, the work is done and only its answer is lost.
        """
        self._control("faults", list(faults))

    def expire_tokens(self) -> None:
        """Forget every installation token, as GitHub does after an hour."""
        self._control("expire", {})

    def install(self, app_id: int, *repositories: str, account: str = "acme") -> int:
        """Install an App, as a person would on its page, and return the installation's id."""
        given = {"app_id": app_id, "account": account, "repositories": repositories}
        return int(self._control("install", given)["installation_id"])

    def uninstall(self, installation_id: int) -> None:
        """Uninstall an App: its tokens end, and it is told."""
        self._control("uninstall", {"installation_id": installation_id})

    def select(self, installation_id: int, *, added: Sequence[str] = (), removed: Sequence[str] = ()) -> None:
        """Change on which repositories an App is installed."""
        self._control("select", {"installation_id": installation_id, "added": added, "removed": removed})

    def rename(self, name: str) -> None:
        """Give the repository another name; its former one leads there."""
        self._control("rename", {"repository": self.repository, "name": name})
        self.repository = f"{self.repository.split('/')[0]}/{name}"

    def archive(self, *, archived: bool = True) -> None:
        """Make the repository read-only, or writable again."""
        self._control("archive", {"repository": self.repository, "archived": archived})

    def deploy(self, ref: str, *, environment: str = "production") -> None:
        """Deploy a commit and report its success."""
        at = f"/repos/{self.repository}/deployments"
        made = self.call("POST", at, {"ref": ref, "environment": environment, "required_contexts": []})
        self.call("POST", f"{at}/{made['id']}/statuses", {"state": "success"})

    def clone_url(self, token: str = OWNER_TOKEN) -> str:
        """Return the address by which git clones, fetches and pushes as whoever has this token."""
        return f"{self.url.replace('://', f'://x-access-token:{token}@')}/{self.repository}.git"

    def send_webhooks_to(self, url: str) -> None:
        """Change the App's webhook URL."""
        self._control("webhook", {"url": url})

    def log(self) -> list[dict[str, Any]]:
        """Return every request so far, oldest first: method, path, query, request, status, response."""
        return list(self.client.get("/_control/log").json())

    def deliveries(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the webhooks so far, sent or not: event, action, url, headers, body (text), status."""
        found = self.client.get("/_control/deliveries").json()
        return [delivery for delivery in found if event is None or delivery["event"] == event]

    def _head(self, branch: str) -> tuple[str, bool]:
        ref = f"/repos/{self.repository}/git/ref/heads"
        answer = self.client.get(f"{ref}/{branch}", headers={"Authorization": f"token {OWNER_TOKEN}"})
        is_new = answer.status_code == httpx.codes.NOT_FOUND
        return (self.call("GET", f"{ref}/main") if is_new else answer.json())["object"]["sha"], is_new

    def _blob(self, content: str | bytes | None) -> str | None:
        if content is None:
            return None
        data = content.encode() if isinstance(content, str) else content
        body = {"content": base64.b64encode(data).decode(), "encoding": "base64"}
        return str(self.call("POST", f"/repos/{self.repository}/git/blobs", body)["sha"])

    def _control(self, what: str, body: Mapping[str, Any] | Sequence[Any]) -> Any:  # noqa: ANN401 - JSON comes in
        return self.client.post(f"/_control/{what}", json=body).raise_for_status().json()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _seed(private_key: str, webhook_url: str | None) -> dict[str, Any]:
    scopes = ["repo", "user", "admin:org", "admin:repo_hook"]
    app = {
        "app_id": APP_ID,
        "slug": "tracewright",
        "name": "Tracewright",
        "private_key": private_key,
        "permissions": PERMISSIONS,
        "events": ["*"],
        "webhook_secret": WEBHOOK_SECRET,
        "installations": [
            {
                "installation_id": INSTALLATION_ID,
                "account": "acme",
                "repository_selection": "selected",
                "repositories": [REPOSITORY],
            }
        ],
    }
    members = [{"login": "octocat", "role": "admin"}, {"login": "reviewer", "role": "member"}]
    return {
        "tokens": {
            OWNER_TOKEN: {"login": "octocat", "scopes": scopes},
            REVIEWER_TOKEN: {"login": "reviewer", "scopes": ["repo", "user"]},
        },
        "github": {
            "users": [
                {"login": "octocat", "name": "The Octocat", "email": "octocat@example.com"},
                {"login": "reviewer", "name": "Rae Viewer", "email": "reviewer@example.com"},
            ],
            "orgs": [{"login": "acme", "name": "Acme", "members": members}],
            "repos": [
                {"owner": "acme", "name": "shop-agent", "language": "Python", "auto_init": True},
                {"owner": "acme", "name": "not-installed", "private": True, "auto_init": True},
            ],
            "apps": [app | ({"webhook_url": webhook_url} if webhook_url else {})],
        },
    }
