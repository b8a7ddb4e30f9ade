"""The set-up: one invited visitor registers one App, and nobody learns its secrets on the way."""

import json
import re
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.errors import BadSetting
from bot.forge.errors import ForgeError
from bot.settings import Settings
from bot.setup.manifest import DASHBOARD, PERMISSIONS
from bot.setup.routes import create_setup_router
from bot.setup.set_up import SetUp
from bot.setup.stored_app import RegisteredApp, store_app, with_stored_app

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
APP = RegisteredApp(
    app_id=7, slug="tracewright-x", url="https://github.com/apps/tracewright-x", private_key="PEM", webhook_secret="S3"
)


@dataclass
class Visit:
    """The pages, a clock and what happened behind them."""

    data: Path
    time: datetime = NOON
    asked: list[str] = field(default_factory=list)
    error: ForgeError | None = None
    n_done: int = 0

    def __post_init__(self) -> None:
        self.set_up = SetUp(
            github_url="https://github.com",
            public_url="https://tracewright.example.com",
            data=self.data,
            events=["push", "installation", "pull_request", "deployment_status"],
            exchange=self._exchange,
            now=lambda: self.time,
        )
        web = FastAPI()
        web.include_router(create_setup_router(self.set_up, on_done=self._done))
        self.browser = TestClient(web)

    def start(self, **query: str) -> tuple[str, dict[str, object], str]:
        """Return the form's address, its manifest and the page."""
        page = self.browser.get("/setup", params={"token": self.set_up.token, **query}).text
        action, manifest = re.findall(r'method="post" action="([^"]+)">\s+<input [^>]*value="([^"]+)"', page)[0]
        return unescape(action), json.loads(unescape(manifest)), page

    def state(self) -> str:
        return parse_qs(urlsplit(self.start()[0]).query)["state"][0]

    def _exchange(self, code: str) -> RegisteredApp:
        if self.error:
            raise self.error
        self.asked.append(code)
        return APP

    def _done(self) -> None:
        self.n_done += 1


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(tmp_path / "data")


def test_the_form_asks_for_no_more_than_is_needed(visit: Visit) -> None:
    action, manifest, _ = visit.start()
    assert action.startswith("https://github.com/settings/apps/new?state=")
    assert manifest["default_permissions"] == {
        "metadata": "read",
        "contents": "write",
        "pull_requests": "write",
        "checks": "write",
    }
    assert manifest["default_events"] == ["pull_request", "push"]
    assert manifest["hook_attributes"] == {"url": "https://tracewright.example.com/github/webhook", "active": True}
    assert manifest["redirect_url"] == "https://tracewright.example.com/setup/created"


def test_an_organization_and_a_dashboard_can_be_chosen(visit: Visit) -> None:
    action, manifest, _ = visit.start(organization="acme", dashboard="1")
    assert action.startswith("https://github.com/organizations/acme/settings/apps/new?state=")
    assert manifest["default_permissions"] == PERMISSIONS | DASHBOARD


def test_deployments_are_asked_for_only_by_those_who_want_them(visit: Visit) -> None:
    _, manifest, _ = visit.start(deployments="1")
    assert manifest["default_permissions"] == PERMISSIONS | {"deployments": "read"}
    assert manifest["default_events"] == ["deployment_status", "pull_request", "push"]


@pytest.mark.parametrize("organization", ["../x", "acme/settings", 'a"><script>', "-a", "a" * 40])
def test_what_cannot_be_an_organization_is_refused(visit: Visit, organization: str) -> None:
    answer = visit.browser.get("/setup", params={"token": visit.set_up.token, "organization": organization})
    assert answer.status_code == 400
    assert "<script" not in answer.text


@pytest.mark.parametrize("token", ["", "guess", "\u20ac"])
def test_a_stranger_finds_nothing(visit: Visit, token: str) -> None:
    assert visit.browser.get("/setup", params={"token": token}).status_code == 404


def test_the_page_gives_its_address_to_nobody(visit: Visit) -> None:
    headers = visit.browser.get("/setup", params={"token": visit.set_up.token}).headers
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "form-action 'self' https://github.com;" in headers["content-security-policy"]


def test_the_answer_is_kept_for_the_owner_alone_and_the_page_closes(visit: Visit) -> None:
    state = visit.state()
    answer = visit.browser.get("/setup/created", params={"code": "c0de", "state": state})
    assert (answer.status_code, visit.asked, visit.n_done) == (200, ["c0de"], 1)
    assert "https://github.com/apps/tracewright-x/installations/new" in answer.text
    assert not {"PEM", "S3"} & set(re.findall(r"\w+", answer.text))
    folder = visit.data / "github-app"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert visit.browser.get("/setup", params={"token": visit.set_up.token}).status_code == 404
    stored = with_stored_app(Settings(data=visit.data))
    assert (stored.github_app_id, stored.github_webhook_secret) == ("7", "S3")
    assert Path(stored.github_private_key_file).read_text() == "PEM"


def test_a_state_is_ours_and_good_once(visit: Visit) -> None:
    assert visit.browser.get("/setup/created", params={"code": "c", "state": "forged"}).status_code == 404
    state = visit.state()
    visit.error = ForgeError("GitHub did not take the code: 404")
    assert visit.browser.get("/setup/created", params={"code": "c", "state": state}).status_code == 502
    visit.error = None
    assert visit.browser.get("/setup/created", params={"code": "c", "state": state}).status_code == 404
    assert visit.asked == []


def test_a_state_ends_with_its_hour(visit: Visit) -> None:
    state = visit.state()
    visit.time += timedelta(hours=1)
    assert visit.browser.get("/setup/created", params={"code": "c", "state": state}).status_code == 404


def test_an_app_is_never_overwritten(tmp_path: Path) -> None:
    store_app(APP, tmp_path)
    with pytest.raises(BadSetting, match="github-app"):
        store_app(APP, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["github-app"]


def test_the_environment_comes_before_the_files(tmp_path: Path) -> None:
    store_app(APP, tmp_path)
    assert with_stored_app(Settings(data=tmp_path, github_app_id="9")).github_app_id == "9"


def test_secrets_are_in_no_repr() -> None:
    assert "PEM" not in repr(APP)
    assert "S3" not in repr(APP)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://github.com/", "https://api.github.com"),
        ("https://github.acme.example", "https://github.acme.example/api/v3"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
    ],
)
def test_the_api_is_derived_from_the_address(url: str, api: str) -> None:
    assert Settings(github_url=url).api_url == api
    assert Settings(github_url=url, github_api_url="http://x").api_url == "http://x"
