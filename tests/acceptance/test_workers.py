"""Two workers on PostgreSQL: they share the work, and one goes on with what the other died over."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import POSTGRES, databases
from tests.acceptance.shared_worker import MODES, POLL_S

PATIENCE_S = 60.0
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    if not POSTGRES:
        pytest.skip("TRACEWRIGHT_TEST_POSTGRES is not set")
    workers: list[subprocess.Popen[bytes]] = []
    with databases() as new_database:
        url = new_database()

        def begin(name: str, *tenants: str) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "tests.acceptance.shared_worker", name, url, str(tmp_path), *tenants]
            workers.append(subprocess.Popen(command))
            _wait((tmp_path / f"{name}-ready").exists, "a worker")
            return workers[-1]

        yield begin
        for worker in workers:
            worker.kill()
            worker.wait()


def test_two_workers_share_the_mends_of_one_tenant(start: Start, tmp_path: Path) -> None:
    start("first")
    start("second", "acme")

    _wait(lambda: len(_said(tmp_path, "verify")) == 2, "both to mend")

    assert sorted(worker for worker, _ in _said(tmp_path, "verify")) == ["first", "second"]
    assert len(_said(tmp_path, "examine")) == 1


def test_a_killed_workers_work_is_taken_over(start: Start, tmp_path: Path) -> None:
    killed = start("killed", "acme", "globex")
    _wait(lambda: _said(tmp_path, "verify"), "a mend")
    start("survivor")
    _wait(lambda: len(_said(tmp_path, "verify")) == 2, "both to mend")

    killed.kill()
    at = time.monotonic()
    (tmp_path / "go").touch()
    begun = {what for worker, what in _said(tmp_path, "verify") if worker == "killed"}
    _wait(lambda: begun <= {what for worker, what in _said(tmp_path, "verify") if worker == "survivor"}, "a take-over")
    sys.stdout.write(f"taken over after {time.monotonic() - at:.2f} s\n")

    _wait(lambda: len(_said(tmp_path, "submit")) == 2 * len(MODES), "everything")
    submitted = [what for _, what in _said(tmp_path, "submit")]
    assert sorted(submitted) == sorted(f"{tenant}-{mode}" for tenant in ("acme", "globex") for mode in MODES)
    assert not _said(tmp_path, "give up")


def _said(folder: Path, what: str) -> list[tuple[str, str]]:
    """Return who did this, and to what, in order."""
    log = folder / "log"
    lines = [line.split(" ", 2) for line in log.read_text().splitlines()] if log.exists() else []
    return [(worker, rest) for worker, did, rest in lines if did == what]


def _wait(holds: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"waited {PATIENCE_S} s for {what}"
        time.sleep(POLL_S)
