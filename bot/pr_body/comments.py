"""What the bot says below a pull request, each thing once."""

from collections.abc import Mapping, Sequence

from bot.command import MARK, MEANINGS
from bot.discretion import Discretion
from bot.pr_body import facts
from bot.pr_body.escape import code, identifier, prose
from bot.proof import Proof
from bot.recurrence import Difference
from clustering.failure_mode import FailureMode
from clustering.wish import HAS
from fixers.aftermath import CONFIDENCE, Exposure, exact_interval
from fixers.evidence import Evidence
from fixers.proposal import Proposal

HANDS_OFF = (
    "There are commits on this branch that are not mine, so it is yours now: I push nothing more to it. The check's "
    "button **Re-run** still tries what is here."
)

#: Parts that are listed.
MAX_PARTS = 20

HELP = "I know these commands, at the start of a comment, from people who may write here:\n\n" + "\n".join(
    f"- `{MARK} {verb}` {meaning}" for verb, meaning in MEANINGS.items()
)


def also_mends(mode: FailureMode) -> str:
    """Say that another failure mode has this very fix."""
    return (
        f"The same change would mend another failure mode, so it gets no pull request of its own: "
        f"**{prose(mode.title, limit=200)}**: {facts.for_whom(mode, None)}"
    )


def explanation(proposal: Proposal, evidence: Evidence) -> str:
    """Say what is wrong, why the change mends it, and what the trial showed."""
    location = proposal.diagnosis.location
    place = f"{location.path}:{location.line}" if location else "no single line"
    return (
        f"**What is wrong** ({proposal.diagnosis.layer.value}, {prose(place)}): "
        f"{prose(proposal.diagnosis.cause, limit=1_200)}\n\n"
        f"**Why the change mends it:** {prose(proposal.rationale, limit=1_200)}\n\n"
        f"**What the trial showed:** {evidence.verdict.value}. {prose(facts.why(evidence))} "
        f"{facts.significance(evidence)}\n\n"
        f"**What could go wrong:** {prose(proposal.risk, limit=500)}\n\n"
        f"Failure mode {identifier(proposal.failure_mode_id)}, tried on commit {identifier(proposal.base_sha)}."
    )


def ignored(actor: str) -> str:
    """Say that the failure mode is left alone, and how to change that."""
    return (
        f"{prose(actor)} asked me to ignore this failure mode, so I propose nothing more for it, and an open pull "
        "request is closed. The branch stays. Thank you for telling me."
    )


ENDED = (
    "This pull request has ended, so there is nothing to try again; `/tracewright reopen` takes a closed one up again."
)
REOPENED = "Open again, as asked: the evidence is gathered anew, and the description and the check show it."
NOT_CLOSED = "Nothing to reopen: this pull request was not closed without a merge."
ANOTHER_MAY_FOLLOW = (
    "GitHub does not let me reopen this one. As somebody asked for it, another pull request may follow as soon as "
    "another fix holds on today's default branch."
)


def aftermath(proof: Proof) -> str:
    """Say what production says of a merged fix, with the numbers and how they were counted."""
    last = " This is my last word on it." if proof.is_final else ""
    return (
        f"**In production: {proof.answer.value}.**{last}\n\n"
        "| | Without the fix | With the fix |\n|---|---|---|\n"
        f"| Runs that show this failure | {_rate(proof.before.n_of_mode, proof.before)} "
        f"| {_rate(proof.after.n_of_mode, proof.after)} |\n"
        f"| Runs that show any failure | {_rate(proof.before.n_failing, proof.before)} "
        f"| {_rate(proof.after.n_failing, proof.after)} |\n\n"
        f"Runs of the same kind, parted by the {proof.basis.value}, from 14 days before the merge; exact intervals of "
        f"{CONFIDENCE:.0%}. What else the same release changed is not told apart.{_foretold(proof)}"
        f"{_rate_foretold(proof)}"
    )


def _foretold(proof: Proof) -> str:
    """Hold the description's prediction against the trial; nothing where none could be judged."""
    score = proof.predicted
    if not score.n_predicted:
        return ""
    return f" Of {score.n_predicted} replayed runs that the description foretold to be fixed, {score.n_both} were."


def _rate_foretold(proof: Proof) -> str:
    """Hold the rate that the description foretold against the one that was seen; nothing where either is unknown."""
    expected, held = proof.expected, proof.is_as_expected
    if expected is None or held is None:
        return ""
    where = "inside" if held else "outside"
    return (
        f" The description foretold a rate of {expected.low:.1%} to {expected.high:.1%} with the fix: it lies {where}."
    )


def came_back(found: Sequence[Difference], discretion: Discretion) -> str:
    """Say that a failure came back after its fix was proved, and what is different; what runs say is quoted."""
    lines = [f"- {_difference(each, discretion)}" for each in found] or [
        "- nothing that I look at: releases, tools, the wording of messages and users are as before"
    ]
    listed = "\n".join(lines)
    return (
        "**It is back.** This failure had been fixed here, as production showed, and runs show it again, so it is "
        f"*regressed* now. What is different from before the fix:\n\n{listed}\n\nAnother fix may follow; the same one "
        "will not."
    )


def _difference(each: Difference, discretion: Discretion) -> str:
    if each.what == "user":
        return f"users: none of the {each.since} who are hurt now was among the {each.before} before"
    counts = f"in {each.n_since} of {each.since} failing runs now, in {each.n_before} of {each.before} before"
    value = discretion.unless_public(each.value, "")
    return f"{each.what} {code(value, limit=200) if value else 'that is not shown here'}: {counts}"


def _rate(n_failed: int, exposure: Exposure) -> str:
    low, high = exact_interval(n_failed, exposure.n_runs)
    return f"{n_failed} of {exposure.n_runs} ({low:.1%} to {high:.1%})"


def parted(by: str, mode_id: str, parts: Sequence[FailureMode]) -> str:
    """Say which failure modes one was parted into, and which of them this pull request is for."""
    lines = [
        f"- {identifier(mode.id)} {prose(mode.title, limit=200)}: {mode.n_traces:,} traces"
        + (", **this pull request**" if mode.id == mode_id else "")
        for mode in parts[:MAX_PARTS]
    ]
    more = [f"- and {len(parts) - MAX_PARTS} more"] if len(parts) > MAX_PARTS else []
    return "\n".join(
        [
            f"Parted by {prose(by, limit=100)} into {len(parts)} failure modes, and so are failures to come:",
            "",
            *lines,
            *more,
            "",
            "The evidence of this pull request is gathered anew on what is left here.",
        ]
    )


def not_parted(ways: Mapping[str, int]) -> str:
    """Say by what a failure mode can be parted: into how many, by property."""
    told = [f"- `{MARK} split {by}`: {n} parts" for by, n in ways.items()]
    words = f"- `{MARK} split {HAS} some words`: those whose description has these words, and the others"
    return "\n".join(["I have not parted this failure. What would part it:", "", *told, words])
