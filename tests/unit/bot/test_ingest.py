import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ingest import Ingested, ingest
from bot.store.engine import open_engine
from bot.store.store import Store
from webhooks.inbox import Batch
from webhooks.redact import Redaction
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINES = [[{"role": "user", "content": f"Where is A{number}?"}] for number in range(9)]


class Killed(Exception):
    """The process ended here."""


@dataclass
class Dying:
    """A store whose process ends after some batches."""

    store: Store
    left: int

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        if not self.left:
            raise Killed
        self.left -= 1
        self.store.keep_batch(tenant, batch)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(open_engine(f"sqlite:///{tmp_path / 'store.db'}"), now=lambda: NOON)


def read(store: Store, file: Path, told: list[tuple[int, int]] | None = None) -> Ingested:
    redaction = Redaction(redactor=Redactor(SECRETS), master_key=b"master")
    listen = told.append if told is not None else (lambda _: None)
    return ingest(
        store, "local", file, redaction=redaction, received_at=NOON, on_progress=lambda done, n: listen((done, n))
    )


def written(tmp_path: Path, lines: list[str]) -> Path:
    file = tmp_path / "t.jsonl"
    file.write_text("\n".join(lines))
    return file


def test_a_file_that_was_interrupted_is_kept_whole_the_second_time(store: Store, tmp_path: Path) -> None:
    file = written(tmp_path, [json.dumps(line) for line in LINES])
    with pytest.raises(Killed):
        read(Dying(store, 4), file)  # type: ignore[arg-type]  # all that is used of a store
    assert store.counts("local").n_traces == 4
    for _ in range(2):
        assert read(store, file) == Ingested(9, [])
        assert (store.counts("local").n_traces, store.counts("local").n_spans) == (9, 9)


def test_a_bad_line_is_named_and_the_others_go_on(store: Store, tmp_path: Path) -> None:
    lines = [json.dumps(LINES[0]), "{broken", json.dumps({"resourceSpans": 3}), json.dumps(LINES[1]), '{"of": "none"}']
    done = read(store, written(tmp_path, lines))
    assert (done.n_spans, store.counts("local").n_traces) == (2, 2)
    assert [place.split(": ")[0].split(", ")[1] for place in done.bad] == ["line 2", "line 3", "line 5"]


def test_progress_grows_to_the_size_of_the_file(store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    file = written(tmp_path, [json.dumps(line) for line in LINES[:3]])
    read(store, file, told)
    assert told == sorted(told)
    assert (len(told), told[-1]) == (4, (file.stat().st_size, file.stat().st_size))
