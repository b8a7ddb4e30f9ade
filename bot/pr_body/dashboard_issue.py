"""The dashboard issue: what waits, with a box before each; checking a box lets that one go out now.

Whoever checks a box may write to the repository: GitHub lets nobody else edit an issue of ours. What stands in the
issue is data all the same: a box counts only when it names a failure mode that waits here.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from bot.pr_body import facts
from bot.pr_body.escape import identifier, prose
from bot.store.waiting import Waiting
from clustering.failure_mode import FailureMode

MARKER = "<!-- tracewright:dashboard -->"
TITLE = "Tracewright dashboard"
CHECKED = re.compile(r"^- \[[xX]\] <!-- tracewright:go:([A-Za-z0-9-]{1,64}) -->", re.MULTILINE)
# An issue's body ends at 65,536 characters.
MAX_LISTED = 100


class Shown(NamedTuple):
    """One entry of the queue, with its failure mode."""

    entry: Waiting
    mode: FailureMode
    #: What came of the last attempt; empty when there was none.
    told: str


def checked(body: str, waiting: Collection[str]) -> list[str]:
    """Return the failure modes whose boxes are checked, of those that wait."""
    return [mode_id for mode_id in CHECKED.findall(body) if mode_id in waiting]


def render_dashboard(queue: Sequence[Shown], standings: Mapping[str, str], open_pull_requests: Sequence[str]) -> str:
    """Return the issue's body.

    Parameters
    ----------
    queue
        What waits, the longest waiting first.
    standings
        How far the bot goes for each agent, and why, by the agent's name.
    open_pull_requests
        Addresses, oldest first.

    """
    parts = [
        MARKER,
        "A bot keeps this issue up to date: it lists what Tracewright found in the traces of this repository's agents.",
        _section("Open pull requests", [f"- {url}" for url in open_pull_requests], "None."),
        _section(
            "Verified, waiting for a place",
            [_line(shown) for shown in queue if shown.entry.base_sha][:MAX_LISTED],
            "Nothing waits.",
            "Check a box to let that fix go out with the next run.",
        ),
        _section(
            "Findings",
            [_line(shown) for shown in queue if not shown.entry.base_sha][:MAX_LISTED],
            "None is listed here; see the pull requests.",
            "Check a box to have a fix drafted and tried; a draft pull request follows if it holds.",
        ),
        _section(
            "How far the bot goes",
            [f"- {prose(name, limit=100)}: {prose(reason)}" for name, reason in standings.items()],
            "No agent.",
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _section(heading: str, lines: Sequence[str], otherwise: str, note: str = "") -> str:
    told = "\n".join(lines) if lines else otherwise
    return f"## {heading}\n\n{note}\n\n{told}" if note and lines else f"## {heading}\n\n{told}"


def _line(shown: Shown) -> str:
    entry, mode = shown.entry, shown.mode
    mark = "x" if entry.asked_at is not None else " "
    why = "asked for" if entry.asked_at is not None else entry.reason
    told = f" Last attempt: {prose(shown.told)}." if shown.told else ""
    return (
        f"- [{mark}] <!-- tracewright:go:{entry.failure_mode_id} --> **{prose(mode.title, limit=200)}** "
        f"({identifier(entry.failure_mode_id)}): {facts.for_whom(mode, None)} {prose(why)}.{told}"
    )
