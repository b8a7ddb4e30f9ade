"""What the command line shows: records as plain values, and the tables made of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.connect import Connected
from bot.doctor import Finding
from bot.errors import UnknownFailureMode
from bot.fix import Fixed
from bot.settings import Settings
from bot.store.store import Store
from bot.summary import arms
from clustering.score import severity

EPOCH = datetime.fromtimestamp(0, UTC)
STATE_STYLE = {"ok": "green", "off": "dim", "broken": "red"}
N_SHOWN = 5


class ListedMode(NamedTuple):
    """One line of the list of failure modes."""

    id: str
    title: str
    status: str
    traces: int
    sessions: int
    users: int
    #: Of all traces that were kept, from 0 to 1.
    share_of_traffic: float
    #: From 0 to 1; see `clustering.score.severity`.
    severity: float
    first_seen: str
    last_seen: str
    #: Where its pull request is; empty when it has none.
    pull_request: str


def listed_modes(store: Store, tenant: str) -> list[ListedMode]:
    """Return the failure modes that have members, most severe first."""
    traffic = store.traffic_of_all(tenant)
    urls = {
        mode.id: opened[0].pull_request.url
        for mode in store.failure_modes(tenant)
        if (opened := store.pull_requests_of_mode(tenant, mode.id))
    }
    listed = [
        ListedMode(
            id=mode.id,
            title=mode.title,
            status=mode.status.value,
            traces=mode.n_traces,
            sessions=mode.n_sessions,
            users=mode.n_users,
            share_of_traffic=round(mode.n_traces / traffic.n_traces, 4) if traffic.n_traces else 0.0,
            severity=round(severity(mode, traffic), 4),
            first_seen=mode.first_seen.isoformat(),
            last_seen=mode.last_seen.isoformat(),
            pull_request=urls.get(mode.id, ""),
        )
        for mode in store.failure_modes(tenant)
        if mode.n_traces
    ]
    return sorted(listed, key=lambda mode: (-mode.severity, mode.id))


def modes_table(modes: Sequence[ListedMode]) -> RenderableType:
    """Draw the list."""
    if not modes:
        return Text("No failure modes. Traces are examined by `tracewright run`, or every few minutes by `serve`.")
    table = Table(title="Failure modes", title_justify="left")
    for name in ("id", "title", "status"):
        table.add_column(name, overflow="fold")
    for name in ("traces", "sessions", "share", "first seen", "last seen"):
        table.add_column(name, justify="right")
    for mode in modes:
        numbers = (str(mode.traces), str(mode.sessions), f"{mode.share_of_traffic:.1%}")
        table.add_row(
            mode.id, Text(mode.title), mode.status, *numbers, _minute(mode.first_seen), _minute(mode.last_seen)
        )
    return table


def shown_mode(store: Store, tenant: str, failure_mode_id: str) -> dict[str, Any]:
    """Return everything about one failure mode.

    Raises
    ------
    UnknownFailureMode
        When the tenant has no such failure mode.

    """
    listed = {mode.id: mode for mode in listed_modes(store, tenant)}
    if failure_mode_id not in listed:
        raise UnknownFailureMode(f"tenant {tenant!r} has no failure mode {failure_mode_id!r}")
    failures = store.failures_of_mode(tenant, failure_mode_id)
    return {
        **listed[failure_mode_id]._asdict(),
        "examples": [
            {
                "trace_id": failure.trace_id,
                "span_id": failure.span_id,
                "message": failure.message,
                "why": failure.reason,
            }
            for failure in failures[-N_SHOWN:]
        ],
        "attempts": [
            {"verdict": verdict.verdict.value, "reason": verdict.reason, "base_sha": verdict.base_sha}
            for verdict in store.verdicts(tenant).get(failure_mode_id, [])
        ],
        "outcomes": [
            {"decision": outcome.decision.value, "by": outcome.actor, "words": outcome.words}
            for outcome in store.outcomes_of_mode(tenant, failure_mode_id)
        ],
    }


def mode_page(shown: dict[str, Any]) -> RenderableType:
    """Draw one failure mode; all its text is data."""
    facts = Table(show_header=False, box=None)
    for key in (
        "id",
        "status",
        "traces",
        "sessions",
        "users",
        "share_of_traffic",
        "severity",
        "first_seen",
        "last_seen",
    ):
        facts.add_row(key.replace("_", " "), Text(str(shown[key])))
    if shown["pull_request"]:
        facts.add_row("pull request", Text(shown["pull_request"]))
    examples = Table(title="Examples", title_justify="left")
    for name in ("trace", "span", "what it says", "why it counts"):
        examples.add_column(name, overflow="fold")
    for example in shown["examples"]:
        examples.add_row(*(Text(str(value)) for value in example.values()))
    attempts = _rows("Attempts", ("verdict", "reason", "commit"), [list(row.values()) for row in shown["attempts"]])
    outcomes = _rows("Outcomes", ("decision", "by", "words"), [list(row.values()) for row in shown["outcomes"]])
    return Group(Text(shown["title"], style="bold"), facts, examples, *attempts, *outcomes)


def run_record(store: Store, tenant: str) -> dict[str, Any]:
    """Return the failure modes, the pull requests with their evidence, and what was not fixed and why."""
    modes = listed_modes(store, tenant)
    verdicts = store.verdicts(tenant)
    opened = {entry.proposal_id: entry.pull_request for entry in store.pull_requests(tenant)}
    pull_requests, proposed = [], set()
    for proposal_id, pull_request in opened.items():
        proposal, evidence = store.proposal(tenant, proposal_id), store.evidence_of(tenant, proposal_id)
        if proposal is None or evidence is None:
            continue
        proposed.add(proposal.failure_mode_id)
        pull_requests.append(
            {
                "number": pull_request.number,
                "title": pull_request.title,
                "state": pull_request.state,
                "url": pull_request.url,
                "failure_mode": proposal.failure_mode_id,
                "isolation": evidence.isolation,
                "before_after": arms(evidence),
            }
        )
    not_fixed = [
        {
            "failure_mode": mode.id,
            "title": mode.title,
            "verdict": verdicts[mode.id][-1].verdict.value if verdicts.get(mode.id) else "not tried",
            "reason": verdicts[mode.id][-1].reason if verdicts.get(mode.id) else "belongs to no connected agent",
        }
        for mode in modes
        if mode.id not in proposed
    ]
    return {"failure_modes": [mode._asdict() for mode in modes], "pull_requests": pull_requests, "not_fixed": not_fixed}


def run_page(record: dict[str, Any]) -> RenderableType:
    """Draw what a run of the loop left behind."""
    parts: list[RenderableType] = [modes_table([ListedMode(**mode) for mode in record["failure_modes"]])]
    for pull_request in record["pull_requests"]:
        parts.append(Text(f"\n#{pull_request['number']}  {pull_request['title']}", style="bold green"))
        parts.append(_arms_table(pull_request["before_after"]))
        parts.append(Text(f"{pull_request['state']}, isolation: {pull_request['isolation']}\n{pull_request['url']}"))
    rows = [[row["title"], row["verdict"], row["reason"]] for row in record["not_fixed"]]
    return Group(*parts, Text(""), *_rows("Not fixed", ("failure mode", "verdict", "why"), rows))


def fix_record(fixed: Fixed) -> dict[str, Any]:
    """Return one attempt as plain values."""
    return {
        "failure_mode": fixed.mode.id,
        "title": fixed.proposal.title if fixed.proposal else "",
        "verdict": fixed.evidence.verdict.value if fixed.evidence else "no proposal",
        "reason": fixed.reason,
        "before_after": arms(fixed.evidence) if fixed.evidence else [],
        "edits": [edit.path for edit in fixed.proposal.edits] if fixed.proposal else [],
        "pull_request": fixed.url or "",
    }


def fix_page(fixed: Fixed) -> RenderableType:
    """Draw one attempt."""
    record = fix_record(fixed)
    facts = Table(show_header=False, box=None)
    for key in ("failure_mode", "title", "verdict", "reason", "pull_request"):
        facts.add_row(key.replace("_", " "), Text(record[key]))
    facts.add_row("edits", Text("\n".join(record["edits"])))
    return Group(facts, _arms_table(record["before_after"])) if record["before_after"] else facts


def doctor_table(findings: Sequence[Finding]) -> RenderableType:
    """Draw the doctor's report."""
    table = Table(title="Doctor", title_justify="left")
    for name in ("subject", "state", "fact", "mend"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        table.add_row(
            finding.subject, Text(finding.state, style=STATE_STYLE[finding.state]), Text(finding.fact), finding.mend
        )
    return table


def connected(done: Connected, settings: Settings) -> str:
    """Return what to set where the agent runs."""
    return (
        f"Connected {done.repository} (tenant {done.tenant}). Where your agent runs, set:\n\n"
        f"  OTEL_EXPORTER_OTLP_ENDPOINT=http://{settings.host}:{settings.port}\n"
        f'  OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20{done.key}"\n\n'
        "The key is shown this once."
    )


def _arms_table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("", "before", "after")
    for row in rows:
        table.add_row(row["what"], row["before"], row["after"])
    return table


def _rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Table]:
    """Return one table, or nothing when it would be empty."""
    if not rows:
        return []
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row))
    return [table]


def _minute(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%m-%d %H:%M")
