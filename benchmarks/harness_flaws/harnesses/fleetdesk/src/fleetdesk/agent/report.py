"""Report: read what the model wrote at the end, and bring it into the form that people get."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fleetdesk.units import Money

TOTAL_LINE = re.compile(r"^\W*TOTAL:\W*(\d+(?:\.\d{1,2})?)\s*EUR\W*$", re.MULTILINE | re.IGNORECASE)
ORDER_ID = re.compile(r"\bWO-\d+\b")
BLANK_LINES = re.compile(r"\n{3,}")
MAX_ANSWER = 1500


@dataclass(frozen=True)
class Report:
    """An answer, and the total when it is an estimate."""

    text: str
    order_id: str | None = None
    total: Money | None = None


def read_total(answer: str) -> Money | None:
    """Return the amount of the line TOTAL: <amount> EUR, None when there is none."""
    found = TOTAL_LINE.search(answer)
    return Money.of(found[1]) if found else None


def read_report(question: str, answer: str) -> Report:
    """Read the model's last words."""
    text = BLANK_LINES.sub("\n\n", answer.strip())[:MAX_ANSWER]
    if "estimate" not in question.lower():
        return Report(text)
    order = ORDER_ID.search(question) or ORDER_ID.search(answer)
    return Report(text, order[0] if order else None, read_total(answer))


def render(report: Report) -> str:
    """Return what is shown: an estimate in one line, everything else as it was said."""
    if report.total is None or report.order_id is None:
        return report.text
    return f"Estimate for {report.order_id}: {report.total} EUR"
