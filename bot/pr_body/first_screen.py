"""The part of a pull request that is never cut: what a reviewer needs in order to decide."""

from bot.pr_body import facts
from bot.pr_body.escape import code, identifier, prose
from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic
from fixers.evidence import Evidence
from fixers.proposal import Proposal

WORDS = 1_200


def disclosure(evidence: Evidence) -> str:
    """Say that a bot wrote this, and warn where its code ran without isolation."""
    note = f"> [!NOTE]\n> {facts.BOT}"
    return note if facts.isolated(evidence) else f"{note}\n\n> [!WARNING]\n> {facts.NO_ISOLATION}"


def what_failed(mode: FailureMode, traffic: Traffic | None) -> str:
    """Say what failed, for whom and how often."""
    back = f" {facts.CAME_BACK}" if mode.status is Status.REGRESSED else ""
    return f"## What failed\n\n**{prose(mode.title, limit=200)}**\n\n{facts.for_whom(mode, traffic)}{back}"


def cause(proposal: Proposal, link: str | None) -> str:
    """Say why it failed, where, and why the edits help; `link` is the permanent address of the line."""
    found = facts.place(proposal)
    place = " — no single line could be blamed"
    if found is not None:
        shown = f"[{code(found.shown)}]({link})" if link else code(found.shown)
        place = f" — {shown}" if found.is_blamed else f" — mended at {shown}"
    layer = f"({proposal.diagnosis.layer.value})"
    return (
        f"## Cause and change\n\n**Cause** {layer}{place}. {prose(proposal.diagnosis.cause, limit=WORDS)}\n\n"
        f"**Change.** {prose(proposal.rationale, limit=WORDS)} {facts.size(proposal)}"
    )


def before_and_after(evidence: Evidence) -> str:
    """Show both arms side by side, and what the comparison is worth."""
    lines = [f"| {row.label} | {row.before} | {row.after} |" for row in facts.rows(evidence)]
    table = "\n".join(["| | Before | After |", "|---|---|---|", *lines])
    return (
        f"## Before and after\n\n{table}\n\n"
        f"**Verdict: {evidence.verdict.value}.** {prose(facts.why(evidence))} {facts.significance(evidence)}\n\n"
        f"**Answers in the replays:** {prose(facts.answered_by(evidence))}"
    )


def consequences(proposal: Proposal, evidence: Evidence, bundle: str | None = None) -> str:
    """Say what could go wrong, how to undo it, and what it cost; `bundle` is the address of the evidence in full."""
    isolation = identifier(evidence.isolation) if facts.isolated(evidence) else "**none**, see the warning above"
    full = f"\n- **In full.** {_linked(bundle)}" if bundle else ""
    return (
        f"## Risk, undo, cost\n\n- **Risk.** {prose(proposal.risk, limit=500)}\n- **Undo.** {facts.UNDO}\n"
        f"- **Cost.** {prose(facts.cost(proposal, evidence))} Isolation: {isolation}.{full}"
    )


def _linked(bundle: str) -> str:
    what = "evidence, and the runs as cassettes"
    return f"[The {what}]({bundle})." if bundle.startswith("https://") else f"The {what}: {code(bundle)}."
