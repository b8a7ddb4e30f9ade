"""The whole product against the GitHub emulator: what the stories of `test_loop_on_github.py` are told on."""

import base64
import binascii
import logging
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from bot.assemble import Product, assemble, forge_finder
from bot.connect import Connected, connect
from bot.forge.github_app import GitHubApp
from bot.outcome import Outcome
from bot.pipeline import Pipeline, durable, run_once
from bot.settings import Settings
from examples import traffic
from examples.receiver import receiver
from examples.scenarios import Conversation
from examples.shop_provider.server import serve
from fixers.harness import CONFIGURATION_PATH
from tests.emulator.emulator import OWNER_TOKEN, Emulator
from webhooks.clock import utc_now

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_agent"
CACHES = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
#: How many conversations of each kind: two flaws that recipes mend, one that none does, and what goes well.
KINDS = {
    "malformed_arguments": 6,
    "two_orders": 6,
    "refund_without_check": 4,
    "order_status": 8,
    "parcel": 8,
    "catalog": 8,
    "order_list": 6,
    "refund_with_check": 10,
    "new_address": 6,
}
PATIENCE_S = 600.0
# Both fixes in one run, though they mend one agent.
LIMITS = "pull_requests: {open_per_agent: 2}\n"


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The running product, its GitHub, and the address of its receiver."""

    emulator: Emulator
    product: Product
    pipeline: Pipeline
    #: Where the receiver listens.
    url: str
    connected: Connected
    conversations: list[Conversation]
    logged: list[str]

    @property
    def tenant(self) -> str:
        """The installation's id, as text."""
        return self.connected.tenant

    def run(self) -> list[str]:
        """Run the loop once."""
        return run_once(self.pipeline, self.tenant, run_id=utc_now().isoformat())

    def api(self, path: str, *, method: str = "GET", body: object = None, token: str = OWNER_TOKEN) -> Any:  # noqa: ANN401 - JSON comes in
        """Speak to the repository's API as a person."""
        return self.emulator.call(method, f"/repos/{self.emulator.repository}/{path}", body, token=token)

    def tree(self, sha: str) -> dict[str, str]:
        """Return the hash of each file at a commit, by path."""
        listed = self.api(f"git/trees/{sha}?recursive=1")["tree"]
        return {item["path"]: f"{item['mode']} {item['sha']}" for item in listed if item["type"] != "tree"}

    def outcomes(self) -> list[Outcome]:
        """Return what people decided about all proposals."""
        modes = self.product.store.failure_modes(self.tenant)
        return [outcome for mode in modes for outcome in self.product.store.outcomes_of_mode(self.tenant, mode.id)]

    def settle(self) -> None:
        """Wait until every webhook was answered and what was kept of them is handled."""
        wait_for(lambda: all(delivery["status"] for delivery in self.emulator.deliveries() if delivery["url"]))
        wait_for(lambda: not self.product.store.unhandled_deliveries())

    def deliver(self, delivery: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Send a delivery of the emulator to the receiver once more."""
        wire = {name: value for name, value in {**delivery["headers"], **headers}.items() if value}
        return httpx.post(f"{self.url}/github/webhook", content=delivery["body"].encode(), headers=wire)


@contextmanager
def loop_on_github(folder: Path) -> Iterator[Loop]:
    """Start the emulator, the provider and the product; connect the repository; let the customers come."""
    emulator, provider = Emulator.start(), serve()
    visits = conversations()
    product = _product(folder, emulator, provider.base_url)
    try:
        emulator.push(agent_files(), message="Answer customers")
        with (
            logged_lines() as logged,
            durable(product.stages, product.work_engine) as pipeline,
            receiver(product, pipeline, secret=emulator.webhook_secret) as url,
        ):
            emulator.send_webhooks_to(f"{url}/github/webhook")
            connected = connect(product, emulator.repository)
            traffic.run(visits, base_url=provider.base_url, otlp_endpoint=url, key=connected.key)
            yield Loop(
                emulator=emulator,
                product=product,
                pipeline=pipeline,
                url=url,
                connected=connected,
                conversations=visits,
                logged=logged,
            )
    finally:
        product.close()
        provider.close()
        emulator.stop()


def conversations() -> list[Conversation]:
    """Return the first conversations of each kind, in the order in which they happen."""
    left = dict(KINDS)
    chosen = []
    for visit in traffic.conversations(192):
        if left.get(visit.kind):
            left[visit.kind] -= 1
            chosen.append(visit)
    return chosen


def agent_files() -> dict[str, str | bytes | None]:
    """Return the example agent's repository, file by file."""
    files = (path for path in EXAMPLE.rglob("*") if path.is_file() and not CACHES & set(path.parts))
    found: dict[str, str | bytes | None] = {path.relative_to(EXAMPLE).as_posix(): path.read_bytes() for path in files}
    found[CONFIGURATION_PATH] = (EXAMPLE / CONFIGURATION_PATH).read_text() + LIMITS
    return found


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise TimeoutError(f"not within {PATIENCE_S} s")


def stored_texts(engines: Iterable[sa.Engine]) -> Iterator[str]:
    """Yield every value of every table of these databases as text, decompressed and decoded where it is."""
    for engine in engines:
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            schemas = [name for name in inspector.get_schema_names() if name in {"main", "public", "dbos"}]
            for name, schema in [(name, each) for each in schemas for name in inspector.get_table_names(each)]:
                everything: sa.Select[Any] = sa.select(sa.literal_column("*")).select_from(
                    sa.table(name, schema=schema)
                )
                rows: sa.CursorResult[Any] = connection.execute(everything)
                yield from (_text(value) for row in rows for value in row if isinstance(value, str | bytes))


def _text(value: str | bytes) -> str:
    """Return text as it is, with its decoded form where it is base64, as DBOS keeps values."""
    if isinstance(value, bytes):
        with suppress(zlib.error):
            value = zlib.decompress(value)
        return value.decode(errors="replace")
    with suppress(binascii.Error, ValueError):
        return f"{value}\n{base64.b64decode(value, validate=True).decode(errors='replace')}"
    return value


def _product(folder: Path, emulator: Emulator, provider_url: str) -> Product:
    key = folder / "app.pem"
    key.write_text(emulator.private_key)
    product = assemble(
        Settings(
            data=folder / "data",
            quiet_s=0.0,
            github_app_id=str(emulator.app_id),
            github_private_key_file=str(key),
            github_api_url=emulator.url,
            replay_base_url=provider_url,
            replay_api_key="example",
            replay_model="shop-1",
            replay_is_steady=1,
        )
    )
    return _unhurried(product, emulator)


def _unhurried(product: Product, emulator: Emulator) -> Product:
    """Drop the pause before each write, which spares github.com; an emulator needs no sparing."""
    assert product.github is not None
    product.github.close()
    app = GitHubApp(str(emulator.app_id), emulator.private_key, api_url=emulator.url, seconds_between_writes=None)
    finder = forge_finder(app, folder=product.settings.data)
    return replace(product, github=app, stages=replace(product.stages, forge_of=finder))


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def logged_lines() -> Iterator[list[str]]:
    """Yield what is logged meanwhile, with tracebacks, at every level."""
    root, records = logging.getLogger(), _Records()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        yield records.lines
    finally:
        root.setLevel(level)
        root.removeHandler(records)
