"""The product over a folder: a small agent with a flaw in a git repository, its recorded runs in a store on SQLite."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bot.discretion import Discretions
from bot.errors import ForgeError
from bot.forge.forge import Base
from bot.forge.local import LocalForge
from bot.stages import ProductStages
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.embed import Embeddings
from fixers.model import Reply
from tests.unit.fixers.recorded_runs import REGRESSION_TEST, REPOSITORY, failing, healthy, unisolated
from tests.unit.fixers.scripted_model import calls
from webhooks.inbox import Batch
from webhooks.searched import rows_of
from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
LOCAL = "local"
DISCRETIONS = Discretions(on=True, master_key=b"master")
CONFIGURATION = """\
agents:
  - services: [shop]
    test: [python, -c, "import test_agent; test_agent.test_settings()"]
    replay: [python, agent.py]
"""
FILES = {**REPOSITORY, ".github/tracewright.yml": CONFIGURATION}
GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{key}": "shop@example.com" for who in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")},
}
WRITE_TEST = ("edit_file", {"path": "test_retry.py", "old": "", "new": REGRESSION_TEST})
RETRY = ("edit_file", {"path": "settings.py", "old": "ATTEMPTS = 1", "new": "ATTEMPTS = 2"})


@dataclass
class Clock:
    """Time that passes when a test says so."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        self.time += timedelta(microseconds=1)
        return self.time


class OneVector:
    """An encoder to which all texts are alike."""

    name = "one vector"
    n_features = 2

    def encode(self, texts: Sequence[str]) -> Embeddings:
        return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))


class Unreachable(LocalForge):
    """A forge that does not answer."""

    def base(self) -> Base:
        raise ForgeError("no answer from git.example.com")


def failed(number: int) -> Trace:
    """Return a run that a 429 ends, at its root too."""
    root, *others = failing(number).spans
    raised = Event(name="exception", time=root.start, attributes={"exception.type": "openai.RateLimitError"})
    return Trace.from_spans([replace(root, status=StatusCode.ERROR, events=(raised,)), *others])


def read_body(_: str, body: bytes) -> list[Span]:
    """Return the spans of a body such as `failed 3`."""
    kind, number = body.decode().split()
    return list({"failed": failed, "healthy": healthy}[kind](int(number)).spans)


def make_store(folder: Path, now: Callable[[], datetime] | None = None, *, n: int = 5) -> Store:
    """Return a store that holds `n` failed runs and `n` healthy ones."""
    store = Store(open_engine(f"sqlite:///{folder / 'tracewright.db'}"), now=now or Clock(), decode=read_body)
    for number in range(1, n + 1):
        keep(store, f"failed {number}", f"healthy {number}")
    return store


def keep(store: Store, *bodies: str) -> None:
    for body in bodies:
        spans = read_body("", body.encode())
        store.keep_batch(LOCAL, Batch(dialect="recorded", body=body.encode(), rows=rows_of(spans)))


def make_repository(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, files)
    return folder


def commit(repository: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Change")


def git(repository: Path, *words: str) -> str:
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, check=True, env=GIT_ENVIRONMENT, capture_output=True, text=True).stdout


def make_stages(folder: Path, *, files: Mapping[str, str] = FILES, n: int = 5, **changes: Any) -> ProductStages:  # noqa: ANN401  # any field
    """Return the stages over a new repository and a new store in `folder`, failures found and grouped."""
    repository = make_repository(folder / "shop", files)
    clock = Clock()
    store = make_store(folder, clock, n=n)
    store.connect_repository(LOCAL, str(repository))
    fields: dict[str, Any] = {
        "store": store,
        "forge_of": lambda _, path: LocalForge(Path(path), folder=folder / "pull-requests"),
        "encoder": OneVector(),
        "sandbox": unisolated(),
        "discretions": DISCRETIONS,
        "quiet_s": 0.0,
        "now": clock,
    }
    stages = ProductStages(**(fields | changes))
    stages.examine(LOCAL)
    stages.group(LOCAL)
    return stages


def submission(*edits: tuple[str, Mapping[str, Any]]) -> list[Reply]:
    """Return the replies of a model that makes these edits and a regression test, and submits them."""
    trace = failed(1)
    error = next(event for event in trace.spans[-1].events if event.name == "exception")
    quote = {"trace_id": trace.trace_id, "span_id": trace.spans[-1].span_id}
    quote["text"] = str(error.attributes["exception.message"])
    submit = {
        "title": "Try again after a 429",
        "cause": "A 429 ends the conversation.",
        "layer": "lifecycle",
        "rationale": "The provider asks to come again.",
        "risk": "Answers may take longer.",
        "quotes": [quote],
        "regression_test": "test_retry.py",
    }
    return [calls(WRITE_TEST, *edits), calls(("submit", submit))]
