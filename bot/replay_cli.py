"""`tracewright replay`: a cassette's file, tried on a checkout."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table

from bot.errors import BadFile
from bot.pr_body.escape import one_line
from bot.terminal import Json, print_either
from bot.tested_with import interpreter, read_test_command
from clustering.detect import DETECTORS
from fixers.checkout import read_tree
from fixers.errors import CassetteError
from fixers.harness import CONFIGURATION_PATH, Harness, read_harnesses, with_defaults
from fixers.replay.cassette import Cassette
from fixers.replay.judge import signatures
from fixers.replay.pool import Pool
from fixers.replay.run import Run
from fixers.replay.run import replay as replay_once
from fixers.sandbox import find_sandbox

replay_app = typer.Typer()
INCONCLUSIVE = 3  # exit status
MAX_OUTPUT = 2_000  # characters of what the command printed


@replay_app.command("replay")
def replay_file(
    cassette: Annotated[Path, typer.Argument(help="A file that `tracewright record` wrote.")],
    *,
    repo: Annotated[Path, typer.Option(help="A checkout of the agent; it is never changed.")] = Path(),
    command: Annotated[str, typer.Option(help="What runs one input; by default <package>/replay.py is found.")] = "",
    python: Annotated[Path | None, typer.Option(help="The interpreter that has the checkout's dependencies.")] = None,
    timeout_s: Annotated[float, typer.Option(min=1, help="Seconds that the run may take.")] = 120.0,
    as_json: Json = False,
) -> None:
    """Run a checkout's agent once in the sandbox, answered from a cassette alone; say what it asked and how it went."""
    recorded = read_cassette(cassette)
    harness = _harness(repo, read_test_command(command, option="--command") if command else None, timeout_s)
    if harness.replay is None:
        raise typer.BadParameter("no single <package>/replay.py is in the checkout: name it with --command")
    used = interpreter(python, " ".join(harness.replay), repo, default=Path(sys.executable))
    done = replay_once(recorded, checkout=repo, harness=harness, sandbox=find_sandbox(python=used), pool=Pool())
    told = replayed_record(done)
    print_either(_page(told), told, as_json=as_json)
    raise typer.Exit(INCONCLUSIVE if done.playback.unrecorded else min(1, done.completed.exit_status))


def read_cassette(path: Path) -> Cassette:
    """Read a cassette's file.

    Raises
    ------
    BadFile
        When there is none, or it is none; the message says why.

    """
    try:
        found = json.loads(path.read_text("utf-8"))
        return Cassette.from_json(found)
    except (OSError, ValueError, RecursionError, CassetteError) as error:
        raise BadFile(f"{path}: {error}") from error


def replayed_record(run: Run) -> dict[str, Any]:
    """Return what one replay showed, as JSON values."""
    played, completed = run.playback, run.completed
    return {
        "exit_status": completed.exit_status,
        "stopped": completed.stopped,
        "model_calls": played.n_model_calls,
        "answered_from_the_recording": played.n_recorded,
        "unrecorded": list(played.unrecorded),
        "recording_used_up": played.followed_recording,
        "spans": len(run.spans),
        "failures": [f"{detector} {key}" for detector, key in sorted(signatures(run.spans, DETECTORS))],
        "output": f"{completed.stderr}{completed.stdout}".strip()[-MAX_OUTPUT:],
    }


def _harness(repo: Path, command: tuple[str, ...] | None, timeout_s: float) -> Harness:
    """Return the command given, else the configuration's, else the one that the checkout's files show."""
    files = {} if command else read_tree(repo, fit=True)
    configured = files.get(CONFIGURATION_PATH, b"").decode(errors="replace")
    known = with_defaults(read_harnesses(configured, repository="replay")[0], files)
    return replace(known, replay=command or known.replay, timeout_s=timeout_s)


def _page(told: dict[str, Any]) -> RenderableType:
    table = Table(show_header=False, box=None)
    for key, value in told.items():
        shown = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        lines = [one_line(line, limit=200) for line in shown.splitlines()] or [""]
        table.add_row(key.replace("_", " "), "\n".join(lines))
    return table
