"""Open the pull request of a verified proposal, and show its evidence as a check run.

A forge that does not answer, or asks to wait, is asked again after a pause: its methods find what an earlier call made.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from bot import checks
from bot.bundle import BRANCH
from bot.errors import ForgeError
from bot.forge.errors import RateLimited, Unavailable
from bot.forge.forge import Base, Draft, Forge
from bot.pr_body import facts
from bot.pr_body.body import check_run_summary, page, render, title
from bot.pr_body.escape import BREAK
from bot.pull_request import PullRequest
from clustering.failure_mode import FailureMode
from clustering.score import Traffic
from fixers.evidence import Evidence, Verdict
from fixers.harness import Harness
from fixers.manners import DEFAULT_MANNERS, Manners
from fixers.proposal import Edit, Proposal

NOTHING: Mapping[str, str] = {}
log = logging.getLogger(__name__)
LABELS = ("tracewright",)
PAUSES_S = (1.0, 5.0, 25.0)
# GitHub asks for a minute when it names no time; a limit that lasts longer is the next run's business.
LONGEST_PAUSE_S = 120.0

T = TypeVar("T")


def head_branch(proposal: Proposal) -> str:
    """Return the branch of a proposal: the same edits on the same base are the same branch."""
    return f"tracewright/{proposal.id}"


def submit(
    proposal: Proposal,
    evidence: Evidence,
    mode: FailureMode,
    *,
    traffic: Traffic,
    forge: Forge,
    harness: Harness,
    branch: str,
    bundle: Mapping[str, str] = NOTHING,
    ready: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> PullRequest:
    """Open the pull request of `proposal` against `branch`, or find the one that is there.

    Parameters
    ----------
    bundle
        The evidence in full, text by path; nothing of it is kept where strangers read.
    ready
        Whether it asks for review at once; else it is a draft.
    wait
        Waits for so many seconds before a forge is asked again.

    Raises
    ------
    ValueError
        When the evidence does not verify the proposal: no caller may get past this.
    bot.errors.ForgeError
        When the gate refuses the edits, or the forge does not answer.

    """
    if evidence.verdict is not Verdict.VERIFIED or evidence.proposal_id != proposal.id:
        raise ValueError(f"proposal {proposal.id} is not verified: {evidence.verdict} for {evidence.proposal_id}")
    body = _patiently(
        lambda: body_of(proposal, evidence, mode, traffic=traffic, forge=forge, manners=harness.manners, bundle=bundle),
        wait,
    )
    draft = Draft(
        head_branch=head_branch(proposal),
        base=Base(branch=branch, sha=proposal.base_sha),
        title=title(proposal),
        body=body,
        page_html=page(proposal, evidence, mode, traffic=traffic),
        edits=proposal.edits,
        commit_message=_commit_message(proposal),
        harness=harness,
        labels=LABELS,
        draft=not ready,
    )
    return _patiently(lambda: forge.open_pull_request(draft), wait)


def commit_draft(
    proposal: Proposal, head_branch: str, *, base: Base, edits: tuple[Edit, ...], harness: Harness
) -> Draft:
    """Return a further commit on a branch that is there; description and page are not part of it."""
    return Draft(
        head_branch=head_branch,
        base=base,
        title=title(proposal),
        body="",
        page_html="",
        edits=edits,
        commit_message=_commit_message(proposal),
        harness=harness,
    )


def body_of(
    proposal: Proposal,
    evidence: Evidence,
    mode: FailureMode,
    *,
    traffic: Traffic,
    forge: Forge,
    manners: Manners,
    bundle: Mapping[str, str] = NOTHING,
    branch: str | None = None,
) -> str:
    """Return the description as this repository may see it, after the evidence in full was put where it points."""
    place = facts.place(proposal)
    link = forge.link(place.path, proposal.base_sha, line=place.first, last=place.last) if place else None
    public = not manners.publish_runs and forge.is_public()
    where = _kept(bundle, proposal, forge) if bundle and not public else None
    return render(proposal, evidence, mode, traffic=traffic, link=link, bundle=where, public=public, branch=branch)


def _kept(files: Mapping[str, str], proposal: Proposal, forge: Forge) -> str | None:
    """Return the address of the evidence in full; None when the repository does not take it."""
    try:
        return forge.keep_files(BRANCH, proposal.id, files, f"Evidence on proposal {proposal.id}")
    except Unavailable:
        raise
    except ForgeError as error:  # a rule on branches, say: the pull request holds what matters
        log.warning("the evidence on proposal %s has no branch: %s", proposal.id, error)
        return None


def report(
    pull_request: PullRequest,
    proposal: Proposal,
    evidence: Evidence,
    *,
    forge: Forge,
    manners: Manners = DEFAULT_MANNERS,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Attach the evidence to the head commit, with remarks at the changed lines and buttons."""

    def attach() -> None:
        forge.report_check(
            pull_request,
            name=checks.NAME,
            summary=check_run_summary(evidence),
            text=f"Failure mode `{proposal.failure_mode_id}`, proposal `{proposal.id}`.",
            conclusion=checks.conclusion(evidence, manners),
            annotations=checks.annotations(proposal),
            actions=checks.ACTIONS,
        )

    _patiently(attach, wait)


def _patiently(call: Callable[[], T], wait: Callable[[float], None]) -> T:
    """Call until the forge answers, as often as there are pauses; the last error is the caller's."""
    for pause_s in PAUSES_S:
        try:
            return call()
        except Unavailable as error:
            asked_s = error.retry_after_s if isinstance(error, RateLimited) else 0.0
            if asked_s > LONGEST_PAUSE_S:
                raise
        wait(max(pause_s, asked_s))
    return call()


def _commit_message(proposal: Proposal) -> str:
    trailers = f"Failure-Mode: {proposal.failure_mode_id}\nEvidence-Run: {proposal.id}"
    # The gate lets nothing unseen into a commit: what a title parts invisibly is parted by a blank here.
    return f"{title(proposal).replace(BREAK, ' ')}\n\n{trailers}\n"
