"""The command line: every command, each a call or two to what does the work."""

import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import sqlalchemy as sa
import typer
from rich.console import Console

from bot import tables
from bot.assemble import LOCAL, build_model
from bot.bars import bars
from bot.blind_spots import blind_spots
from bot.blind_spots_page import blind_spots_page
from bot.connect import connect as connect_repository
from bot.doctor import examine_installation
from bot.errors import BotError
from bot.fix import fix_once
from bot.fix_checkout import BUDGET, MAX_MODES, Order, fix_checkout
from bot.ingest import ingest as ingest_file
from bot.keys_cli import keys_app
from bot.lessons_cli import lessons_app
from bot.listed_modes import listed_modes
from bot.modes_cli import decisions_app
from bot.pipeline import durable, finish_pending, run_once
from bot.pr_body.escape import one_line, visible
from bot.record_cli import record_app
from bot.redaction import build_redaction
from bot.replay_cli import replay_app
from bot.report_cli import report_app
from bot.retention import sleep
from bot.settings import read_settings
from bot.terminal import Json, Tenant, opened_product, out, print_either, say
from bot.tested_with import interpreter, read_test_command
from bot.tidy import tidy
from clustering.embed import MiniLM
from clustering.errors import ClusteringError
from fixers.dependencies import install as install_dependencies
from fixers.errors import FixerError
from fixers.sandbox import Limits, find_sandbox
from webhooks.clock import utc_now
from webhooks.errors import WebhookError

app = typer.Typer(
    name="tracewright",
    help="Turns the failures in your agent's production traces into verified pull requests.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(keys_app, name="keys")
app.add_typer(lessons_app, name="lessons")
app.add_typer(decisions_app)
app.add_typer(report_app)
app.add_typer(record_app)
app.add_typer(replay_app)
MAX_ERROR = 1_000  # characters
NOTHING_PROPOSED = 3  # exit status
CHECKOUT_MEMORY_BYTES = 4 * 1024**3  # large test suites hold a lot
MAX_BAD_LINES = 20  # shown of a file


def main() -> None:
    """Run the command line; whatever goes wrong outside of our own code is one line and exit status 1."""
    try:
        app()
    except (BotError, FixerError, ClusteringError, WebhookError, OSError) as error:
        _fail(str(error))
    except sa.exc.DBAPIError as error:
        _fail(f"the database: {error.orig}")
    except sa.exc.SQLAlchemyError as error:
        _fail(f"the database: {error}")


def _fail(reason: str) -> NoReturn:
    _complain(reason)
    sys.exit(1)


def _complain(reason: str) -> None:
    line = f"tracewright: {one_line(reason, limit=MAX_ERROR)}"
    Console(stderr=True).print(line, style="red", markup=False, highlight=False, soft_wrap=True)


@app.command()
def connect(
    repository: Annotated[str, typer.Argument(help="`owner/name` on GitHub, or the folder of a git repository.")],
) -> None:
    """Connect a repository and print the ingestion key and the variables that point a tracer here."""
    with opened_product() as product:
        connected = connect_repository(product, repository)
    say(tables.connected(connected, product.settings))


@app.command()
def serve() -> None:
    """Receive traces and GitHub's deliveries, and run the loop every few minutes."""
    from bot.serve import serve_until_set_up  # noqa: PLC0415  # only this command needs a server

    with opened_product() as product:
        has_new_app = serve_until_set_up(product)
    if has_new_app:
        # Everything is closed: the same process begins again as it began, now with the App.
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - our own command line, and no shell


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(help="Traces in any dialect: .json, .jsonl (one a line) or .pb; may be .gz.")
    ],
    tenant: Tenant = LOCAL,
) -> None:
    """Keep the traces of files, as if they had come over HTTP; the same again keeps the rest, and nothing twice."""
    n_bad = 0
    with opened_product() as product, bars(out) as listener:
        redaction = build_redaction(product.settings, on_replaced=product.store.count_replaced)
        for file in files:
            done = ingest_file(
                product.store,
                tenant,
                file,
                redaction=redaction,
                received_at=utc_now(),
                on_progress=partial(listener, file.name),
            )
            say(visible(f"{file}: {done.n_spans} spans kept"))
            for line in done.bad[:MAX_BAD_LINES]:
                _complain(line)
            n_bad += len(done.bad)
    if n_bad:
        _fail(f"{n_bad} of what was given could not be read and was left out")


@app.command()
def modes(
    *,
    show_blind_spots: Annotated[
        bool, typer.Option("--blind-spots", help="Instead: what an audit found in runs that no detector flagged.")
    ] = False,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """List the failure modes, most severe first."""
    with opened_product() as product:
        if show_blind_spots:
            told = blind_spots(product.store, tenant, judge=product.stages.judge, now=utc_now())
            print_either(blind_spots_page(told), told, as_json=as_json)
            return
        listed = listed_modes(product.store, tenant)
        print_either(tables.modes_table(listed), [mode._asdict() for mode in listed], as_json=as_json)


@app.command()
def show(
    failure_mode: Annotated[str, typer.Argument(metavar="ID")], *, tenant: Tenant = LOCAL, as_json: Json = False
) -> None:
    """Show one failure mode: who was hurt, example failures, every attempt and its verdict."""
    with opened_product() as product:
        shown = tables.shown_mode(product.store, tenant, failure_mode)
        print_either(tables.mode_page(shown), shown, as_json=as_json)


@app.command()
def fix(
    failure_mode: Annotated[str, typer.Argument(metavar="[ID]", help="A known failure mode.")] = "",
    *,
    repo: Annotated[Path | None, typer.Option(help="Instead of ID: a checkout, with git or without.")] = None,
    traces: Annotated[Path | None, typer.Option(help="Its traces: any file that `ingest` takes.")] = None,
    test: Annotated[str, typer.Option(help="Its test command.")] = "",
    python: Annotated[Path | None, typer.Option(help="The interpreter that has its dependencies.")] = None,
    install: Annotated[
        bool, typer.Option("--install", help="First install what its own requirements or pyproject.toml list.")
    ] = False,
    replay: Annotated[str, typer.Option(help="Its replay command, if it has one.")] = "",
    output: Annotated[Path | None, typer.Option(help="Where diffs are written; by default a new folder.")] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds for one run of the tests.")] = 900.0,
    max_tokens: Annotated[int, typer.Option(help="What one failure mode may cost.")] = BUDGET.tokens,
    max_modes: Annotated[int, typer.Option(min=1, help="How many failure modes may cost so much.")] = MAX_MODES,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Draft and verify, but open nothing.")] = False,
    tenant: Tenant = LOCAL,
    as_json: Json = False,
) -> None:
    """Try to mend one failure mode now; or, with --repo, --traces and --test, all that a file of traces shows.

    With --repo no server and no configuration is needed, and the checkout is never changed. Exit status 0: there is a
    diff to look at; 3: there is none, and every failure mode has its reason; 1: it could not be tried; 2: wrong usage.
    """
    if repo is None:
        if not failure_mode:
            raise typer.BadParameter("give the ID of a failure mode, or --repo, --traces and --test")
        _fix_known(failure_mode, dry_run=dry_run, tenant=tenant, as_json=as_json)
        return
    if failure_mode or traces is None or not test:
        raise typer.BadParameter("--repo goes with --traces and --test, and without an ID")
    order = Order(
        folder=repo,
        traces=traces,
        test=read_test_command(test),
        replay=read_test_command(replay) if replay else None,
        timeout_s=timeout_s,
        budget=dataclasses.replace(BUDGET, tokens=max_tokens),
        max_modes=max_modes,
    )
    folder = output or Path(tempfile.mkdtemp(prefix="tracewright-fixes-"))
    if folder.resolve().is_relative_to(order.folder.resolve()):
        raise typer.BadParameter(f"--output {folder} lies in the checkout, which is never changed")
    found = interpreter(python, test, repo, default=Path(sys.executable))
    with _installed(order, found) if install else nullcontext(found) as used:
        _fix_checkout(order, used, folder, as_json=as_json)


@contextmanager
def _installed(order: Order, python: Path) -> Iterator[Path]:
    """Yield an interpreter with what the checkout's own files list; it is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="tracewright-installed-") as folder:
        index_url = os.environ.get("PIP_INDEX_URL", "")
        yield install_dependencies(
            order.folder, sandbox=find_sandbox(python=python), folder=Path(folder), index_url=index_url
        )


def _fix_checkout(order: Order, python: Path, folder: Path, *, as_json: bool) -> None:
    settings = read_settings(os.environ)
    sandbox = find_sandbox(python=python, limits=Limits(memory_bytes=CHECKOUT_MEMORY_BYTES))
    with bars(out, quiet=as_json) as listener:
        report = fix_checkout(
            order,
            settings=settings,
            sandbox=sandbox,
            encoder=MiniLM(),
            model=build_model(settings),
            output=folder.resolve(),
            listener=listener,
            now=utc_now,
        )
    print_either(tables.checkout_page(report), tables.checkout_record(report), as_json=as_json)
    raise typer.Exit(0 if report.proposed else NOTHING_PROPOSED)


def _fix_known(failure_mode: str, *, dry_run: bool, tenant: str, as_json: bool) -> None:
    with opened_product() as product, bars(out, quiet=as_json) as listener:
        fixed = fix_once(product.stages_with(listener), tenant, failure_mode, dry_run=dry_run)
    print_either(tables.fix_page(fixed), tables.fix_record(fixed), as_json=as_json)


@app.command()
def reindex() -> None:
    """Rebuild the searched columns from the kept batches, while the receiver goes on; may be stopped and repeated."""
    with opened_product() as product, bars(out) as listener:
        for tenant in product.store.tenants():
            done = product.store.reindex(tenant, on_progress=partial(listener, tenant))
            say(visible(f"{tenant}: {done.n_batches} batches read again"))
            for number, reason in done.unreadable.items():
                say(visible(f"{tenant}: batch {number} cannot be read any more, its rows stay: {reason}"))


@app.command()
def prune(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False, as_json: Json = False
) -> None:
    """Delete what is beyond TRACEWRIGHT_KEEP_DAYS and TRACEWRIGHT_KEEP_BYTES; `serve` does it every hour."""
    with opened_product() as product:
        kept = tidy(product, sleep, dry_run=dry_run)
        record = tables.prune_record(kept, product.store.size(), dry_run=dry_run)
    print_either(tables.prune_page(record), record, as_json=as_json)


@app.command()
def run(*, tenant: Tenant = LOCAL, as_json: Json = False) -> None:
    """Run the loop once: detect, group, and try to mend what is worth mending."""
    with opened_product() as product, bars(out, quiet=as_json) as listener:
        with durable(product.stages_with(listener), product.work_engine) as pipeline:
            finish_pending()
            run_once(pipeline, tenant, run_id=utc_now().isoformat())
        record = tables.run_record(product.store, tenant, unreadable=product.stages.agents(tenant).unreadable)
    print_either(tables.run_page(record), record, as_json=as_json)


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Say what is configured, reachable and isolated, and how to mend what is not; exit 1 when something is broken."""
    with opened_product() as product:
        findings = examine_installation(product)
    print_either(tables.doctor_table(findings), [finding._asdict() for finding in findings], as_json=as_json)
    raise typer.Exit(any(finding.state == "broken" for finding in findings))
