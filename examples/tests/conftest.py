"""What the example's tests share: a provider, one run of the flawed agent, and copies of it that may be edited."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from examples.scenarios import Conversation
from examples.shop_provider.server import Server, serve
from examples.tests.sink import Seen, Sink
from examples.traffic import CHECKOUT, Answered, conversations, run


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run of the traffic left behind."""

    answered: Sequence[Answered]
    traces: dict[str, list[Seen]]
    keys: set[str | None]

    def of(self, kind: str) -> list[tuple[Answered, list[Seen]]]:
        """Return the conversations of a kind with their traces."""
        return [
            (entry, self.traces[entry.conversation.session_id])
            for entry in self.answered
            if entry.conversation.kind == kind
        ]


@pytest.fixture
def provider() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def flawed() -> Ran:
    """Return what 96 conversations with the agent as it is left behind."""
    return _run(CHECKOUT, conversations(96))


@pytest.fixture
def run_edited(tmp_path: Path) -> Callable[..., Ran]:
    """Return a function that edits a copy of the agent and runs the conversations of some kinds on it."""

    def run_it(kinds: set[str], *edits: tuple[str, str, str]) -> Ran:
        checkout = edited(tmp_path / "checkout", *edits)
        return _run(checkout, [visit for visit in conversations(96) if visit.kind in kinds])

    return run_it


def edited(checkout: Path, *edits: tuple[str, str, str]) -> Path:
    """Copy the agent to `checkout` and replace text in its files; each edit is (path, before, after)."""
    shutil.copytree(CHECKOUT, checkout, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for path, before, after in edits:
        text = (checkout / path).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path} has {text.count(before)} times {before!r}"
        (checkout / path).write_text(text.replace(before, after), encoding="utf-8")
    return checkout


def _run(checkout: Path, visits: Sequence[Conversation]) -> Ran:
    with serve() as provider, Sink() as sink:
        answered = run(visits, base_url=provider.base_url, otlp_endpoint=sink.url, key="secret key", checkout=checkout)
    return Ran(answered=answered, traces=sink.traces(), keys=sink.keys)
