"""The product's whole life on the GitHub emulator: what the story of `test_life_on_github.py` is told on.

It begins with nothing: `serve` on a fresh database, a browser that registers the App, a person who installs it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from dbos._dbos import _get_or_create_dbos_registry

from bot.app import create_app
from bot.assemble import Product, assemble, forge_finder
from bot.forge.github_app import GitHubApp
from bot.pipeline import Pipeline, durable, run_once
from bot.redaction import build_redaction
from bot.settings import Settings
from bot.store.pull_requests import Opened
from examples import traffic
from examples.shop_provider.server import Server, serve
from fixers.harness import CONFIGURATION_PATH
from fixers.model import Reply
from tests.acceptance.github_loop import agent_files, logged_lines, wait_for
from tests.emulator.emulator import OWNER_TOKEN, Emulator
from tests.unit.fixers.scripted_model import calls
from webhooks.clock import utc_now

#: Of this machine, and not one of the names by which the product knows that GitHub cannot reach it.
HOST = "127.0.0.2"
ROOT = Path(__file__).parents[2]
#: Two flaws that recipes mend, and what goes well.
BEFORE = {"malformed_arguments": 10, "two_orders": 6, "order_status": 8, "catalog": 8}
AFTER = {"malformed_arguments": 8, "order_status": 8, "parcel": 8, "catalog": 8, "order_list": 4}
WHO = {f"GIT_{role}_{key}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


@dataclass
class Helper:
    """A model that knows nothing by itself, and hands in what a test has laid ready."""

    laid_ready: list[Reply] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        assert tools
        self.asked.append(json.dumps(messages))
        return self.laid_ready.pop(0) if self.laid_ready else calls(("decline", {"reason": "I cannot tell."}))


@dataclass(kw_only=True)
class Life:
    """The running product, its GitHub, and what is known of it by now."""

    folder: Path
    emulator: Emulator
    provider: Server
    #: What the product and its libraries log, at every level.
    logged: list[str]
    #: The command line of every process that was started meanwhile, and its environment.
    started: list[str]
    #: Where the product listens.
    url: str
    database_url: str
    #: The manifest that the browser sent.
    manifest: dict[str, Any] = field(default_factory=dict)
    helper: Helper = field(default_factory=Helper)
    product: Product = field(init=False)
    pipeline: Pipeline = field(init=False)
    installation_id: int = 0
    #: How many conversations of each kind there were.
    n_said: dict[str, int] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The installation's id, as text."""
        return str(self.installation_id)

    @property
    def settings(self) -> Settings:
        """What an operator sets before the first start."""
        return Settings(
            data=self.folder / "data",
            database_url=self.database_url,
            host=HOST,
            port=int(self.url.rpartition(":")[2]),
            public_url=self.url,
            github_url=self.emulator.url,
            github_api_url=self.emulator.url,
            interval_s=0,
            quiet_s=0.0,
            replay_base_url=self.provider.base_url,
            replay_api_key="example",
            replay_model="shop-1",
            replay_is_steady=1,
        )

    def set_up(self, **ticked: str) -> None:
        """Start the product for the first time, and register its App as a browser would; it goes on by itself."""
        log = self.folder / "serve.log"
        environment = {f"TRACEWRIGHT_{name.upper()}": str(value) for name, value in asdict(self.settings).items()}
        command = [sys.executable, "-c", "from bot.cli import app; app()", "serve"]
        with log.open("w") as out:
            serving = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
        try:
            wait_for(lambda: "token=" in log.read_text() and answers(self.url))
            self._register(log.read_text().split()[-1], ticked)
            wait_for(self._is_closed)  # the same process, with the App
            assert serving.poll() is None
            self.started += [(Path("/proc") / str(serving.pid) / name).read_text() for name in ("cmdline", "environ")]
        finally:
            serving.terminate()
            serving.wait(30)
        self.logged.append(log.read_text())

    def _is_closed(self) -> bool:
        try:
            return httpx.get(f"{self.url}/setup", timeout=5).text == '{"detail":"Not Found"}'
        except httpx.HTTPError:
            return False

    def _register(self, address: str, ticked: dict[str, str]) -> None:
        with httpx.Client(follow_redirects=False, timeout=20) as browser:
            page = browser.get(address, params={**httpx.URL(address).params, **ticked}).text
            action, manifest = re.findall(r'method="post" action="([^"]+)">\s+<input [^>]*value="([^"]+)"', page)[0]
            self.manifest = json.loads(unescape(manifest))
            agreed = browser.post(unescape(action), data={"manifest": unescape(manifest)})
            assert agreed.status_code == 302, agreed.text
            done = browser.get(agreed.headers["location"])
            assert "is registered" in done.text
            assert browser.get(address).status_code == 404  # the set-up is closed

    @property
    def app(self) -> dict[str, Any]:
        """What is kept of the App beside its key and its secret."""
        return dict(json.loads((self.folder / "data" / "github-app" / "app.json").read_text()))

    def secrets(self) -> set[str]:
        """Return every token, key and secret that the life so far has seen."""
        kept = self.folder / "data" / "github-app"
        key = (kept / "private-key.pem").read_text().splitlines()
        answered = [entry["response"] or {} for entry in self.emulator.log()]
        tokens = {answer["token"] for answer in answered if "token" in answer}
        of_the_app = {answer[name] for answer in answered if "pem" in answer for name in ("client_secret",)}
        return {*tokens, *of_the_app, key[1], key[-2], (kept / "webhook-secret").read_text()}

    def run(self) -> list[str]:
        """Run the loop once; return the addresses of the pull requests that are open for it."""
        opened = run_once(self.pipeline, self.tenant, run_id=utc_now().isoformat())
        self.settle()
        return opened

    def settle(self) -> None:
        """Wait until every webhook was answered, what was kept of them is handled, and what they asked for is done."""
        wait_for(lambda: all(delivery["status"] for delivery in self.emulator.deliveries() if delivery["url"]))
        wait_for(lambda: not self.product.store.unhandled_deliveries())

    def api(self, path: str, *, method: str = "GET", body: object = None, token: str = OWNER_TOKEN) -> Any:  # noqa: ANN401 - JSON comes in
        """Speak to the repository's API as a person."""
        return self.emulator.call(method, f"/repos/{self.emulator.repository}/{path}", body, token=token)

    def comments(self, number: int) -> str:
        """Return everything that was said below a pull request."""
        return "\n".join(each["body"] for each in self.api(f"issues/{number}/comments?per_page=100"))

    def opened(self) -> Opened:
        """Return what is kept of the newest pull request."""
        return self.product.store.pull_requests(self.tenant)[-1]

    def talk(self, kinds: dict[str, int], *, key: str, checkout: Path = traffic.CHECKOUT) -> int:
        """Let customers talk to the agent of a checkout; return how many conversations there were.

        What goes wrong the first time that it is said is never said again.
        """
        visits = []
        for kind, n in kinds.items():
            skip = self.n_said.get(kind, 0) if traffic.QUIRKS.get(kind) else 0
            self.n_said[kind] = skip + n
            visits += [visit for visit in traffic.conversations(288) if visit.kind == kind][skip : skip + n]
        assert len(visits) == sum(kinds.values())
        traffic.run(visits, base_url=self.provider.base_url, otlp_endpoint=self.url, key=key, checkout=checkout)
        return len(visits)

    def clone(self, name: str) -> Path:
        """Clone the repository with git, as its owner."""
        self.git(self.folder, "clone", "-q", self.emulator.clone_url(), name)
        return self.folder / name

    def git(self, folder: Path, *words: str) -> str:
        """Run git as a person."""
        environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **WHO}
        ran = subprocess.run(
            ["git", "-C", folder, *words], check=False, capture_output=True, text=True, env=environment
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@contextmanager
def a_life(folder: Path, database_url: str = "") -> Iterator[Life]:
    """Start GitHub and the provider; nothing of the product runs yet."""
    emulator, provider = Emulator.start(), serve()
    try:
        emulator.push({path: text for path, text in agent_files().items() if path != CONFIGURATION_PATH})
        with logged_lines() as logged, started_processes() as started:
            url = f"http://{HOST}:{_free_port()}"
            yield Life(
                folder=folder,
                emulator=emulator,
                provider=provider,
                logged=logged,
                started=started,
                url=url,
                database_url=database_url,
            )
    finally:
        provider.close()
        emulator.stop()


@contextmanager
def living(life: Life) -> Iterator[Life]:
    """Run the product with the App that it was set up with, without the pauses that spare github.com and reviewers."""
    product = assemble(life.settings)
    assert product.github is not None
    product.github.close()
    key = Path(product.settings.github_private_key_file).read_text()
    app = GitHubApp(product.settings.github_app_id, key, api_url=life.emulator.url, seconds_between_writes=None)
    finder = forge_finder(app, folder=product.settings.data)
    stages = replace(product.stages, forge_of=finder, model=life.helper, review_quiet_s=0.0)
    life.product = replace(product, github=app, stages=stages)
    _get_or_create_dbos_registry().instance_info_map.clear()  # DBOS keeps the pipeline of another test
    try:
        with durable(stages, product.work_engine) as life.pipeline, _listening(life):
            yield life
    finally:
        life.product.close()


@contextmanager
def _listening(life: Life) -> Iterator[None]:
    settings = life.product.settings
    app = create_app(
        store=life.product.store,
        pipeline=life.pipeline,
        webhook_secret=settings.github_webhook_secret,
        interval_s=0,
        now=utc_now,
        redaction=build_redaction(settings),
    )
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=settings.port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started or not thread.is_alive())
        assert server.started
        yield
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def started_processes() -> Iterator[list[str]]:
    """Yield, as they are started, the words and the environment of this process's children."""
    seen: list[str] = []
    is_on = [True]

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and is_on:
            _, words, _, environment = arguments
            seen.append(f"{words} {environment}")

    sys.addaudithook(hear)  # for ever: there is no way to take one away
    try:
        yield seen
    finally:
        is_on.clear()


def answers(url: str) -> bool:
    """Tell whether somebody listens there."""
    try:
        httpx.get(url, timeout=5)
    except httpx.HTTPError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
