"""The same pull request as a page that stands alone, for a forge without a web interface."""

import difflib
from collections.abc import Iterator
from typing import NamedTuple

import jinja2

from bot.pr_body import facts
from bot.pr_body.escape import visible
from clustering.failure_mode import FailureMode
from clustering.score import Traffic
from fixers.evidence import Evidence
from fixers.proposal import Edit, Proposal

TEMPLATE = "page.html.j2"
DIFF_LINES = 3_000
KINDS = {"+": "added", "-": "removed", "@": "place"}


class Line(NamedTuple):
    """One line of a diff and how it is coloured."""

    kind: str
    text: str


def render_page(
    proposal: Proposal,
    evidence: Evidence,
    mode: FailureMode,
    *,
    title: str,
    traffic: Traffic | None = None,
    patch: str | None = None,
) -> str:
    """Return the page; every value is escaped by the template, and what cannot be seen is spelled out."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bot.pr_body", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda text: visible(str(text), keep="\n\t")
    return environment.get_template(TEMPLATE).render(
        title=title,
        proposal=proposal,
        evidence=evidence,
        mode=mode,
        place=facts.place(proposal),
        size=facts.size(proposal),
        for_whom=facts.for_whom(mode, traffic),
        rows=facts.rows(evidence),
        why=facts.why(evidence),
        significance=facts.significance(evidence),
        answered_by=facts.answered_by(evidence),
        cost=facts.cost(proposal, evidence),
        isolated=facts.isolated(evidence),
        reproduce=facts.reproduce(proposal, evidence, patch=patch),
        manifest=facts.manifest(proposal, evidence),
        bot=facts.BOT,
        no_isolation=facts.NO_ISOLATION,
        undo=facts.UNDO,
        diffs=[(edit.path, list(diff(edit))) for edit in proposal.edits],
    )


def diff(edit: Edit, *, limit: int = DIFF_LINES) -> Iterator[Line]:
    """Yield the lines of an edit's unified diff, at most `limit`."""
    before, after = (edit.before or "").splitlines(), (edit.after or "").splitlines()
    lines = difflib.unified_diff(before, after, lineterm="", n=3)
    for number, text in enumerate(lines):
        if number == limit:
            yield Line("place", f"… cut after {limit:,} lines")
            return
        if not text.startswith(("---", "+++")) or number > 1:
            yield Line(KINDS.get(text[:1], "context"), text)
