"""What the command line shows: records as plain values, and the tables made of them.

Whatever comes from a trace, a model or a repository is drawn as it was written, and does nothing: no markup, no control
sequence of a terminal.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.connect import Connected
from bot.constraint_log import COLUMNS, TITLE, constraint_cells, constraint_record
from bot.doctor import Finding
from bot.fix import Fixed
from bot.fix_checkout import Attempt, Report
from bot.listed_modes import ListedMode, listed, listed_modes
from bot.lookup import find_mode
from bot.pr_body.escape import one_line
from bot.pr_body.facts import rows
from bot.retention import Kept
from bot.settings import Settings
from bot.store.size import Size
from bot.store.store import Store
from clustering.trend import UNCHANGED

STATE_STYLE = {"ok": "green", "off": "dim", "broken": "red"}
N_EXAMPLES = 5
#: Characters of an id that tables show; commands take as much of an id as only one has.
SHORT = 8
MAX_CELL = 600
NARROW = 34
UNTRIED = "belongs to no connected agent, or to one whose autonomy is `observe`"


def modes_table(modes: Sequence[ListedMode]) -> RenderableType:
    """Draw the list."""
    if not modes:
        return Text("No failure modes. Traces are examined by `tracewright run`, or every few minutes by `serve`.")
    table = _table("Failure modes")
    table.add_column("id\nstatus", no_wrap=True)
    table.add_column("failure mode", ratio=1, overflow="fold")
    for name in ("traces", "sessions", "share\ntrend", "first seen\nlast seen"):
        table.add_column(name, justify="right", no_wrap=True)
    n_called = Counter(mode.title for mode in modes)
    for mode in modes:
        table.add_row(
            f"{mode.id[:SHORT]}\n{mode.status}",
            _text(mode.title if n_called[mode.title] == 1 else f"{mode.title} ({mode.service})"),
            str(mode.traces),
            str(mode.sessions),
            f"{mode.share_of_traffic:.1%}\n{mode.trend}",
            f"{_minute(mode.first_seen)}\n{_minute(mode.last_seen)}",
        )
    return table


def shown_mode(store: Store, tenant: str, failure_mode_id: str) -> dict[str, Any]:
    """Return everything about one failure mode, found by its id or the start of it.

    Raises
    ------
    UnknownFailureMode
        When the tenant has no such failure mode.

    """
    mode = find_mode(store, tenant, failure_mode_id)
    growth = store.growths(tenant).get(mode.id, UNCHANGED)
    examples = (store.failures_of_mode(tenant, mode.id) or store.examples(tenant, mode.id))[-N_EXAMPLES:]
    return {
        **listed(store, tenant, mode, store.traffic_of_all(tenant), growth)._asdict(),
        "examples": [
            {
                "trace_id": failure.trace_id,
                "span_id": failure.span_id,
                "message": failure.message,
                "why": failure.reason,
            }
            for failure in examples
        ],
        "constraints": constraint_record(store, tenant, examples),
        "attempts": [
            {
                "verdict": verdict.verdict.value,
                "reason": verdict.reason,
                "base_sha": verdict.base_sha,
                "proposal": verdict.proposal_id or "",
                "decided_at": verdict.decided_at.isoformat(),
            }
            for verdict in store.verdicts(tenant).get(mode.id, [])
        ],
        "outcomes": [
            {"decision": outcome.decision.value, "by": outcome.actor, "words": outcome.words}
            for outcome in store.outcomes_of_mode(tenant, mode.id)
        ],
    }


def mode_page(shown: Mapping[str, Any]) -> RenderableType:
    """Draw one failure mode."""
    counts = (
        "status",
        "service",
        "traces",
        "sessions",
        "users",
        "share_of_traffic",
        "severity",
        "trend",
        "first_seen",
        "last_seen",
    )
    facts = {key: shown[key] for key in ("id", *counts, "pull_request") if shown[key] != ""}
    examples = [(f"{row['trace_id']}\n{row['span_id']}", f"{row['why']}", row["message"]) for row in shown["examples"]]
    attempts = [(row["verdict"], row["base_sha"][:SHORT], row["reason"]) for row in shown["attempts"]]
    outcomes = [(row["decision"], row["by"], row["words"]) for row in shown["outcomes"]]
    return Group(
        Text(one_line(shown["title"], limit=MAX_CELL), style="bold"),
        _facts(facts),
        *_rows("Examples", ("trace, span", "why it counts", "what it says"), examples, n_wide=2),
        *_rows(TITLE, COLUMNS, constraint_cells(shown["constraints"])),
        *_rows("Attempts", ("verdict", "commit", "why"), attempts),
        *_rows("Outcomes", ("decision", "by", "words"), outcomes),
    )


def run_record(store: Store, tenant: str, *, unreadable: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the failure modes, the pull requests with their evidence, and what was not fixed and why.

    Parameters
    ----------
    unreadable
        Why a repository's agents are not known, by repository.

    """
    modes = listed_modes(store, tenant)
    verdicts = store.verdicts(tenant)
    pull_requests = _pull_requests(store, tenant)
    proposed = {pull_request["failure_mode"] for pull_request in pull_requests}
    not_fixed = []
    for mode in modes:
        if mode.id not in proposed:
            last = verdicts[mode.id][-1] if mode.id in verdicts else None
            verdict, reason = (last.verdict.value, last.reason) if last else ("not tried", UNTRIED)
            not_fixed.append({"failure_mode": mode.id, "title": mode.title, "verdict": verdict, "reason": reason})
    return {
        "failure_modes": [mode._asdict() for mode in modes],
        "pull_requests": pull_requests,
        "not_fixed": not_fixed,
        "unreadable_repositories": dict(unreadable or {}),
    }


def _pull_requests(store: Store, tenant: str) -> list[dict[str, Any]]:
    found = []
    for opened in store.pull_requests(tenant):
        proposal, evidence = (
            store.proposal(tenant, opened.proposal_id),
            store.evidence_of(tenant, opened.proposal_id),
        )
        if proposal is not None and evidence is not None:
            pull_request = opened.pull_request
            found.append(
                {
                    "number": pull_request.number,
                    "title": pull_request.title,
                    "state": pull_request.state,
                    "url": pull_request.url,
                    "failure_mode": proposal.failure_mode_id,
                    "isolation": evidence.isolation,
                    "before_after": [asdict(row) for row in rows(evidence)],
                }
            )
    return found


def prune_record(kept: Kept, size: Size, *, dry_run: bool) -> dict[str, Any]:
    """Return what was deleted, or would be, and what is kept now."""
    return {
        "dry_run": dry_run,
        "before": "" if kept.before is None else kept.before.isoformat(),
        **kept.pruned._asdict(),
        "n_deliveries": kept.n_deliveries,
        "n_workflows": kept.n_workflows,
        "bytes_in_use": size.n_bytes,
    }


def prune_page(record: Mapping[str, Any]) -> RenderableType:
    """Draw what was deleted."""
    if not record["before"]:
        return Text(f"Nothing is too old or too much; {record['bytes_in_use'] / 1e6:.1f} MB are in use.")
    verb = "would be deleted" if record["dry_run"] else "deleted"
    return Text(
        f"From before {record['before']} {verb}: {record['n_traces']} traces with {record['n_spans']} spans,"
        f" {record['n_batches']} bodies of {record['n_bytes'] / 1e6:.1f} MB, {record['n_deliveries']} deliveries,"
        f" {record['n_workflows']} finished workflows.\n{record['n_kept']} older traces stay for open pull requests;"
        f" {record['bytes_in_use'] / 1e6:.1f} MB are in use."
    )


def run_page(record: Mapping[str, Any]) -> RenderableType:
    """Draw what a run of the loop left behind."""
    parts: list[RenderableType] = [modes_table([ListedMode(**mode) for mode in record["failure_modes"]])]
    for pull_request in record["pull_requests"]:
        parts += [
            Text(one_line(f"#{pull_request['number']}  {pull_request['title']}", limit=MAX_CELL), style="bold green"),
            _before_after(pull_request["before_after"]),
            Text(f"{pull_request['state']}, isolation: {pull_request['isolation']}\n{_line(pull_request['url'])}\n"),
        ]
    untold = [(row["failure_mode"][:SHORT], row["verdict"], row["title"], row["reason"]) for row in record["not_fixed"]]
    parts += _rows("Not fixed", ("id", "verdict", "failure mode", "why"), untold, n_wide=2)
    parts += _rows(
        "Repositories that cannot be read", ("repository", "why"), [*record["unreadable_repositories"].items()]
    )
    return Group(*parts)


def fix_record(fixed: Fixed) -> dict[str, Any]:
    """Return one attempt as plain values."""
    return {
        "failure_mode": fixed.mode.id,
        "title": fixed.proposal.title if fixed.proposal else "",
        "verdict": fixed.verdict.value if fixed.verdict else "not tried",
        "reason": fixed.reason,
        "before_after": [asdict(row) for row in rows(fixed.evidence)] if fixed.evidence else [],
        "edits": [edit.path for edit in fixed.proposal.edits] if fixed.proposal else [],
        "pull_request": fixed.url or "",
    }


def fix_page(fixed: Fixed) -> RenderableType:
    """Draw one attempt."""
    record = fix_record(fixed)
    facts = {key: record[key] for key in ("failure_mode", "title", "verdict", "reason", "pull_request") if record[key]}
    shown = _facts(facts | ({"edits": ", ".join(record["edits"])} if record["edits"] else {}))
    return Group(shown, _before_after(record["before_after"])) if record["before_after"] else shown


def checkout_record(report: Report) -> dict[str, Any]:
    """Return what came of a plain checkout as plain values."""
    return {
        "proposed": report.proposed,
        "traces": report.n_traces,
        "failing": report.n_failing,
        "failure_modes": [_attempt_record(attempt) for attempt in report.attempts],
        "left_out": list(report.left_out),
        "untried": report.n_untried,
    }


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    proposal, evidence, patch = attempt.proposal, attempt.evidence, attempt.patch
    diagnosis = proposal.diagnosis if proposal else attempt.diagnosis
    location = diagnosis.location if diagnosis else None
    return {
        "failure_mode": attempt.mode.id,
        "title": attempt.mode.title,
        "traces": attempt.mode.n_traces,
        "verdict": attempt.verdict.value,
        "reason": attempt.reason,
        "proposal": proposal.title if proposal else "",
        "author": proposal.author if proposal else "",
        "cause": diagnosis.cause if diagnosis else "",
        "layer": diagnosis.layer.value if diagnosis else "",
        "location": f"{location.path}:{location.line}" if location else "",
        "edits": [edit.path for edit in proposal.edits] if proposal else [],
        "before_after": [asdict(row) for row in rows(evidence)] if evidence else [],
        "tokens": proposal.tokens if proposal else 0,
        "cost_usd": proposal.cost_usd if proposal else 0.0,
        "patch": str(patch) if patch else "",
        "body": str(patch.with_suffix(".md")) if patch else "",
        "page": str(patch.with_suffix(".html")) if patch else "",
    }


def checkout_page(report: Report) -> RenderableType:
    """Draw what came of a plain checkout: for each failure mode the verdict and its reason, and where the diff is."""
    if not report.attempts:
        return Text(f"Nothing fails in {report.n_traces} traces, as far as our detectors and the file's marks tell.")
    parts: list[RenderableType] = []
    for attempt in report.attempts:
        record = _attempt_record(attempt)
        keys = (
            "failure_mode",
            "title",
            "traces",
            "verdict",
            "reason",
            "cause",
            "location",
            "proposal",
            "patch",
            "body",
        )
        parts.append(_facts({key: record[key] for key in keys if record[key]}))
        parts += [_before_after(record["before_after"])] if record["before_after"] else []
    if report.n_untried:
        parts.append(Text(f"{report.n_untried} more failure modes, of fewer runs, were not tried: see --max-modes."))
    if report.left_out:
        parts.append(Text(f"{len(report.left_out)} links and large files were not part of what was tried."))
    return Group(*parts)


def doctor_table(findings: Sequence[Finding]) -> RenderableType:
    """Draw the doctor's report; below what is not as it could be stands what mends it."""
    table = _table("Doctor")
    table.add_column("state", no_wrap=True)
    table.add_column("subject", overflow="fold", max_width=30)
    table.add_column("fact, and what mends it", overflow="fold", ratio=1)
    for finding in findings:
        mend = f"\n→ {_line(finding.mend)}" if finding.mend else ""
        state = Text(finding.state, style=STATE_STYLE[finding.state])
        table.add_row(state, _text(finding.subject), Text(f"{_line(finding.fact)}{mend}"))
    return table


def connected(done: Connected, settings: Settings) -> str:
    """Return what to set where the agent runs."""
    return (
        f"Connected {_line(done.repository)} (tenant {done.tenant}). Where your agent runs, set:\n\n"
        f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://{settings.host}:{settings.port}\n"
        f'  OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20{done.key}"\n\n'
        "The key is shown this once."
    )


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, expand=True)


def _facts(values: Mapping[str, object]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in values.items():
        table.add_row(key.replace("_", " "), _text(value))
    return table


def _before_after(table_rows: Sequence[Mapping[str, str]]) -> Table:
    table = Table("", "before", "after", box=SIMPLE_HEAD, pad_edge=False)
    for row in table_rows:
        table.add_row(row["label"], row["before"], row["after"])
    return table


def _rows(
    title: str, columns: Sequence[str], cells: Sequence[Sequence[str]], *, n_wide: int = 1
) -> list[RenderableType]:
    """Return one table whose last `n_wide` columns share the room, or nothing when it would be empty."""
    if not cells:
        return []
    table = _table(title)
    for name in columns[:-n_wide]:
        table.add_column(name, overflow="fold", max_width=NARROW)
    for name in columns[-n_wide:]:
        table.add_column(name, overflow="fold", ratio=1)
    for row in cells:
        table.add_row(*(_text(cell) for cell in row))
    return [table]


def _text(value: object) -> Text:
    """Return stranger's text for a cell; a line end of our own stays one."""
    return Text("\n".join(_line(line) for line in str(value).split("\n")[:3]))


def _line(text: str) -> str:
    return one_line(text, limit=MAX_CELL)


def _minute(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%m-%d %H:%M")
