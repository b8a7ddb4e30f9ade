"""The body of a pull request, as Markdown for GitHub and as a page that stands alone."""

from collections.abc import Sequence

from bot.pr_body import first_screen
from bot.pr_body.collapsed import Collapsed, collapsed_sections, public_sections
from bot.pr_body.escape import inert, one_line
from bot.pr_body.page import render_page
from clustering.failure_mode import FailureMode
from clustering.score import Traffic
from fixers.evidence import Evidence
from fixers.proposal import Proposal

# GitHub refuses a body above 65,536 characters; what other people's bots append has room too.
LIMIT = 58_000
# Of a check run's summary: https://docs.github.com/en/rest/checks/runs#create-a-check-run
SUMMARY_LIMIT = 65_535
TITLE_LIMIT = 70


def title(proposal: Proposal) -> str:
    """Return the pull request's title: one line, at most 70 characters."""
    line = inert(one_line(proposal.title, limit=TITLE_LIMIT))
    shortened = line if len(line) <= TITLE_LIMIT else inert(one_line(proposal.title, limit=TITLE_LIMIT // 2))
    return shortened or f"Mend failure mode {proposal.failure_mode_id}"[:TITLE_LIMIT]


def render(
    proposal: Proposal,
    evidence: Evidence,
    mode: FailureMode,
    *,
    traffic: Traffic | None = None,
    link: str | None = None,
    bundle: str | None = None,
    public: bool = False,
    patch: str | None = None,
    branch: str | None = None,
    limit: int = LIMIT,
) -> str:
    """Return the body as Markdown.

    Parameters
    ----------
    traffic
        What ran in all while the failure mode was watched; None leaves the shares out.
    link
        Permanent address of the line that is blamed.
    bundle
        Address of the evidence in full.
    public
        Whether strangers read it: then counts only, and nothing that a recorded run said.
    patch
        Where the diff lies, when there is no branch to fetch.
    branch
        Where the change is; None for the branch that is named for the proposal.
    limit
        Characters. The folded parts are cut first, and the reader is told; the first screen is never cut.

    """
    sections = (
        first_screen.disclosure(evidence),
        first_screen.what_failed(mode, traffic),
        first_screen.cause(proposal, link),
        first_screen.before_and_after(evidence),
        first_screen.consequences(proposal, evidence, bundle),
    )
    first = "\n\n".join(sections)
    trailers = f"Failure-Mode: {inert(proposal.failure_mode_id)}\nEvidence-Run: {inert(evidence.proposal_id)}"
    fold = public_sections if public else collapsed_sections
    folded = fold(proposal, evidence, patch=patch, branch=branch)
    whole = "\n\n".join([first, *(section.render(len(section.items)) for section in folded), trailers])
    if len(whole) <= limit:
        return f"{whole}\n"
    return _cut(first, folded, trailers, limit, mode.id)


def page(
    proposal: Proposal,
    evidence: Evidence,
    mode: FailureMode,
    *,
    traffic: Traffic | None = None,
    patch: str | None = None,
) -> str:
    """Return the same as an HTML page that needs nothing else, with the diff."""
    return render_page(proposal, evidence, mode, title=title(proposal), traffic=traffic, patch=patch)


def check_run_summary(evidence: Evidence) -> str:
    """Return the evidence as Markdown for a check run."""
    note = first_screen.disclosure(evidence)
    return f"{first_screen.before_and_after(evidence)}\n\n{note}\n"[:SUMMARY_LIMIT]


def _cut(first: str, folded: Sequence[Collapsed], trailers: str, limit: int, failure_mode_id: str) -> str:
    """Return the body with as many items as fit, the last sections cut first, and a notice of what is missing."""
    room = limit - len(first) - len(trailers) - len(_notice(["0,000 of 0,000: " + s.summary for s in folded], "")) - 200
    shown, missing = [], []
    for section in folded:
        n_items = _fitting(section, room)
        if n_items:
            shown.append(section.render(n_items))
            room -= len(shown[-1]) + 2
        if n_items < len(section.items):
            missing.append(f"{len(section.items) - n_items:,} of {len(section.items):,}: {section.summary}")
    return "\n\n".join([first, _notice(missing, failure_mode_id), *shown, trailers]) + "\n"


def _fitting(section: Collapsed, room: int) -> int:
    """Return how many items of the section fit into `room` characters."""
    n_items = len(section.items)
    while n_items and len(section.render(n_items)) + 2 > room:
        n_items -= 1
    return n_items


def _notice(missing: Sequence[str], failure_mode_id: str) -> str:
    lines = "".join(f"\n> - {line}" for line in missing)
    whole = f"`tracewright show {failure_mode_id}` prints the rest." if failure_mode_id.isalnum() else ""
    return f"> [!IMPORTANT]\n> This description was too long for GitHub and was cut. {whole} Left out:\n>{lines}"
