"""The report as plain values, and as a table."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bot.report import Report

DIGITS = 4


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
        "after_merge": {**_keyed(found.after_merge), "regressed": found.n_regressed},
        "predictions": {
            "predicted": predictions.n_predicted,
            "fixed": predictions.n_happened,
            "predicted_and_fixed": predictions.n_both,
            "precision": _rounded(predictions.precision),
            "recall": _rounded(predictions.recall),
        },
        "cost": {
            "model_runs": spent.n_runs,
            "tokens": spent.tokens,
            "usd": _rounded(spent.cost_usd),
            "tokens_per_merged_fix": _rounded(found.tokens_per_merged),
            "usd_per_merged_fix": _rounded(found.usd_per_merged),
        },
    }


def report_table(found: Report) -> Table:
    """Draw the report."""
    table = Table(title="Report", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("what", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    for name, values in report_record(found).items():
        table.add_row(f"[bold]{_words(name)}[/bold]", "")
        for key, value in values.items():
            table.add_row(f"  {_words(key)}", _shown(value))
        table.add_section()
    return table


def _keyed(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind.replace(" ", "_"): count for kind, count in counts.items()}


def _words(key: str) -> str:
    return key.replace("_", " ")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _shown(value: float | None) -> str:
    if value is None:
        return "not known yet"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
