"""`tracewright replay`: a cassette's file, tried on a checkout."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.errors import BadFile
from bot.replay_cli import read_cassette
from fixers.replay.record import record
from tests.unit.fixers.recorded_runs import failing, healthy, write_repository
from webhooks.trace import Trace

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def replayed(folder: Path, trace: Trace, *more: str, **changes: object) -> tuple[int, dict[str, Any]]:
    written = record(trace).to_json() | changes
    (folder / "run.json").write_text(json.dumps(written, indent=1))
    repository = write_repository(folder / "repository")
    words = ["replay", str(folder / "run.json"), "--repo", str(repository), "--command", "python agent.py", "--json"]
    done = CliRunner().invoke(app, [*words, *more])
    return done.exit_code, json.loads(done.stdout)


@needs_bwrap
def test_a_recorded_run_is_played_to_a_checkout(tmp_path: Path) -> None:
    status, told = replayed(tmp_path, healthy(1))
    assert (status, told["failures"], told["unrecorded"]) == (0, [], [])
    assert (told["answered_from_the_recording"], told["recording_used_up"]) == (3, True)


@needs_bwrap
def test_the_recorded_failure_shows_again(tmp_path: Path) -> None:
    _, told = replayed(tmp_path, failing(1))
    assert any("RateLimitError" in failure for failure in told["failures"])


@needs_bwrap
def test_what_a_person_took_out_of_the_file_is_inconclusive(tmp_path: Path) -> None:
    status, told = replayed(tmp_path, healthy(1), tool_calls=[])
    assert (status, told["unrecorded"]) == (3, ["tool 'get_order' was not recorded with {'id': 1}"])


@pytest.mark.parametrize("text", ["", "[1]", '{"trace_id": "t"}', "[" * 100_000])
def test_a_file_that_is_no_cassette_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(BadFile, match=r"run\.json"):
        read_cassette(tmp_path / "run.json")
