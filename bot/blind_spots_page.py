"""The page of `tracewright modes --blind-spots`."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.pr_body.escape import one_line

MAX_CELL = 400
WITHOUT = (
    "No model is configured (OPENAI_API_KEY), or the judge's budget is 0 (TRACEWRIGHT_JUDGE_TOKENS_PER_DAY, "
    "TRACEWRIGHT_JUDGE_USD_PER_DAY): nobody audits the runs that the detectors do not flag."
)
NOTHING_YET = "No run was audited yet: `tracewright run` examines what has come and asks the judge, as `serve` does."


def blind_spots_page(told: Mapping[str, Any]) -> RenderableType:
    """Draw what is known of the failures that no detector sees."""
    lines = [
        f"runs in which no detector saw a failure: {told['unflagged']}",
        f"audited: {told['audited']} ({told['share_audited']:.1%})",
        *(_found_out(told) if told["n_asked"] else [NOTHING_YET] if told["model"] else []),
        _cost(told) if told["model"] else WITHOUT,
    ]
    return Group(Text("\n".join(lines)), *([_found(told["failures"])] if told["failures"] else []))


def _found_out(told: Mapping[str, Any]) -> list[str]:
    return [
        f"judged failed: {_share(told['found'])}",
        _corrected(told["corrected"]),
        f"against people's feedback: recall {_share(told['recall'])}, precision {_share(told['precision'])}",
        f"answers without a citation that is in the run: {told['unusable_answers']}",
    ]


def _share(told: Mapping[str, Any]) -> str:
    if not told["n"]:
        return "nothing to tell it by"
    return f"{told['k']} of {told['n']} (95 %: {told['low']:.0%} to {told['high']:.0%})"


def _corrected(told: list[float] | None) -> str:
    if told is None:
        return "too few rated runs to take the judge's own mistakes out"
    return f"with the judge's own mistakes taken out: {told[0]:.0%} to {told[1]:.0%} of the unflagged runs failed"


def _cost(told: Mapping[str, Any]) -> str:
    spent, budget = told["spent_in_24_h"], told["budget_for_24_h"]
    return (
        f"{one_line(told['model'], limit=80)}: {spent['tokens']} of {budget['tokens']} tokens"
        f" and {spent['cost_usd']:.2f} of {budget['cost_usd']:.2f} US dollars in 24 hours"
    )


def _found(failures: list[Mapping[str, Any]]) -> Table:
    table = Table(title="Failures that only the judge saw", box=SIMPLE_HEAD, title_justify="left")
    table.add_column("trace\nkind", no_wrap=True)
    table.add_column("why", ratio=1, overflow="fold")
    table.add_column("cited", ratio=1, overflow="fold")
    for row in failures:
        cited = "; ".join(f"{each['span_id']}: {each['quote']}" for each in row["cited"])
        table.add_row(
            Text(one_line(f"{row['trace_id'][:8]}", limit=MAX_CELL) + "\n" + row["kind"]),
            Text(one_line(row["why"], limit=MAX_CELL)),
            Text(one_line(cited, limit=MAX_CELL)),
        )
    return table
