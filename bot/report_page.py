"""The report as plain values, and as a table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from bot.lesson import State
from bot.pr_body.escape import one_line
from bot.report import Report
from bot.store.thresholds import Threshold

DIGITS = 4
MAX_NAME = 60


def report_record(found: Report) -> dict[str, Any]:
    """Return the report as plain values; what cannot be told yet is None."""
    predictions, spent = found.predictions, found.spent
    return {
        "pull_requests": {
            "opened": found.n_opened,
            "open": found.n_open,
            "merged": found.n_merged,
            "refused": found.n_refused,
        },
        "refused": _keyed(found.refused),
        "after_merge": {
            **_keyed(found.after_merge),
            "regressed": found.n_regressed,
            "reverted": found.n_reverted,
        },
        "predictions": {
            "predicted": predictions.n_predicted,
            "fixed": predictions.n_happened,
            "predicted_and_fixed": predictions.n_both,
            "precision": _rounded(predictions.precision),
            "recall": _rounded(predictions.recall),
        },
        "expected_rates": {
            "seen": found.n_rates_seen,
            "within_the_interval": found.n_rates_as_expected,
        },
        "risks": {
            "said_to_be_at_risk": found.risks.n_predicted,
            "broken": found.risks.n_happened,
            "at_risk_and_broken": found.risks.n_both,
            "precision": _rounded(found.risks.precision),
            "recall": _rounded(found.risks.recall),
        },
        "cost": {
            "model_runs": spent.n_runs,
            "tokens": spent.tokens,
            "usd": _rounded(spent.cost_usd),
            "tokens_per_merged_fix": _rounded(found.tokens_per_merged),
            "usd_per_merged_fix": _rounded(found.usd_per_merged),
        },
        "lessons": {
            **{state.value: sum(each.state is state for each in found.lessons) for state in State},
            "helped": sum(each.n_helpful for each in found.lessons),
            "did_harm": sum(each.n_harmful for each in found.lessons),
        },
        "thresholds": [{**each._asdict(), "since": each.since.isoformat()} for each in found.thresholds],
    }


def report_table(found: Report) -> Table:
    """Draw the report."""
    table = Table(title="Report", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    for name, values in report_record(found).items():
        table.add_row(f"[bold]{words(name)}[/bold]", "")
        for key, value in values.items() if isinstance(values, dict) else _current(found.thresholds):
            table.add_row(f"  {words(key)}", _shown(value))
        table.add_section()
    return table


def _current(moves: Sequence[Threshold]) -> Iterator[tuple[str, str]]:
    """Yield where each threshold stands now, by agent and name."""
    for (agent, name), each in {(move.agent, move.name): move for move in moves}.items():
        yield escape(one_line(f"{name} of {agent}", limit=MAX_NAME)), each.value


def _keyed(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind.replace(" ", "_"): count for kind, count in counts.items()}


def words(key: str) -> str:
    """Return a key as words."""
    return key.replace("_", " ")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _shown(value: float | str | None) -> str:
    if value is None:
        return "not known yet"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
