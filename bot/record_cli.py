"""`tracewright record`: a kept trace, or a live run, as a cassette's file."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.assemble import LOCAL
from bot.errors import BadFile
from bot.pr_body.escape import one_line
from bot.redaction import rules
from bot.replay_cli import read_cassette
from bot.settings import read_settings
from bot.terminal import Tenant, opened_product
from bot.tested_with import interpreter, read_test_command
from fixers.recording.hide import hide
from fixers.recording.run import Recorded, record_run, started
from fixers.replay.cassette import Cassette
from fixers.replay.record import record
from webhooks.clock import utc_now

record_app = typer.Typer()


@record_app.command("record")
def record_to_file(
    trace_id: Annotated[str, typer.Argument(metavar="[TRACE_ID]", help="A kept trace: 32 hex digits.")] = "",
    *,
    run: Annotated[str, typer.Option(help="Run this command now, live, and record what it is answered.")] = "",
    given: Annotated[Path | None, typer.Option("--input", help="With --run: a file with the run's input.")] = None,
    complete: Annotated[Path | None, typer.Option(help="With --run: a cassette; what it lacks is added.")] = None,
    repo: Annotated[Path, typer.Option(help="With --run: where the command runs.")] = Path(),
    python: Annotated[Path | None, typer.Option(help="With --run: the interpreter that `python` means.")] = None,
    output: Annotated[Path | None, typer.Option(help="A file; without --run the cassette may be printed.")] = None,
    tenant: Tenant = LOCAL,
) -> None:
    """Write what the model and the tools answered in a kept trace, or in a run made now, as a cassette: plain JSON.

    With --run the agent runs once on this machine, with its network and its keys, and without a sandbox; a proxy
    records what it asks and what comes back. A TRACE_ID or --complete gives its input and the answers that are known.
    """
    if not run:
        if not trace_id or given or complete:
            raise typer.BadParameter("give a TRACE_ID, or --run with --input, --complete or a TRACE_ID")
        _write(_of_trace(trace_id, tenant), output)
        return
    if output is None:
        raise typer.BadParameter("--run needs --output: what the command prints goes to the terminal")
    if not output.absolute().parent.is_dir():  # said before the run, which cannot be had again
        raise typer.BadParameter(f"--output {output}: there is no such folder")
    start = _start(trace_id, complete, given, tenant)
    words = read_test_command(run, option="--run")
    if words[0] == "python":
        words = (str(interpreter(python, run, repo, default=Path(sys.executable))), *words[1:])
    done = record_run(words, start, cwd=repo, environ=os.environ)
    kept = hide(done.cassette, rules(read_settings(os.environ)), done.secrets)
    _write(kept, output)
    _tell(done, start, output)


def _start(trace_id: str, complete: Path | None, given: Path | None, tenant: str) -> Cassette:
    """Return what the run begins with: its input, and the answers that are known."""
    if trace_id and complete:
        raise typer.BadParameter("give a TRACE_ID or --complete, not both")
    if not (trace_id or complete or given):
        raise typer.BadParameter("--run needs the run's input: --input, --complete or a TRACE_ID")
    known = read_cassette(complete) if complete else _of_trace(trace_id, tenant) if trace_id else None
    text = _read_input(given) if given else known.input if known else None
    return replace(known, input=text) if known else started(text, now=utc_now())


def _of_trace(trace_id: str, tenant: str) -> Cassette:
    with opened_product() as product:
        trace = product.store.load_traces(tenant, [trace_id]).get(trace_id)
    if trace is None:
        raise typer.BadParameter(f"no trace {trace_id!r} is kept")
    return record(trace)


def _read_input(path: Path) -> str:
    """Return the text that the run starts from; a file as TRACEWRIGHT_INPUT names it, {"input": TEXT}, means its text.

    Raises
    ------
    BadFile
        When the file cannot be read as text.

    """
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: {error}") from error
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_wrapped = isinstance(found, dict) and found.keys() == {"input"} and isinstance(found["input"], str)
    return str(found["input"]) if is_wrapped else text


def _write(cassette: Cassette, output: Path | None) -> None:
    written = json.dumps(cassette.to_json(), indent=1) + "\n"
    if output is None:
        sys.stdout.write(written)
    else:
        output.write_text(written, "utf-8")


def _tell(done: Recorded, start: Cassette, output: Path) -> None:
    kept = done.cassette
    added = [
        f"{len(calls) - len(before)} {name}"
        for name, calls, before in (
            ("model calls", kept.model_calls, start.model_calls),
            ("tool calls", kept.tool_calls, start.tool_calls),
            ("HTTP calls", kept.http_calls, start.http_calls),
        )
    ]
    lines = [f"{output}: {', '.join(added)} recorded; the command ended with status {done.exit_status}"]
    lines += [f"left out: {what}" for what in done.left_out]
    for line in lines:
        typer.echo(one_line(line, limit=1_000), err=True)
