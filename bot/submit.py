"""Open the pull request of a verified proposal, and show its evidence as a check run."""

from bot.forge.forge import Base, Conclusion, Draft, Forge
from bot.pr_body.body import check_run_summary, page, render, title
from bot.pull_request import PullRequest
from clustering.failure_mode import FailureMode
from clustering.score import Traffic
from fixers.evidence import Evidence, Verdict
from fixers.harness import Harness
from fixers.proposal import Proposal

LABELS = ("tracewright",)
CHECK_NAME = "Tracewright evidence"


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
) -> PullRequest:
    """Open the draft pull request of `proposal` against `branch`, or find the one that is there.

    Raises
    ------
    ValueError
        When the evidence does not verify the proposal: no caller may get past this.
    bot.errors.ForgeError
        When the gate refuses the edits, or the forge does not answer.

    """
    if evidence.verdict is not Verdict.VERIFIED or evidence.proposal_id != proposal.id:
        raise ValueError(f"proposal {proposal.id} is not verified: {evidence.verdict} for {evidence.proposal_id}")
    return forge.open_pull_request(
        Draft(
            head_branch=head_branch(proposal),
            base=Base(branch=branch, sha=proposal.base_sha),
            title=title(proposal),
            body=render(proposal, evidence, mode, traffic=traffic),
            page_html=page(proposal, evidence, mode, traffic=traffic),
            edits=proposal.edits,
            commit_message=_commit_message(proposal),
            harness=harness,
            labels=LABELS,
        )
    )


def report(pull_request: PullRequest, proposal: Proposal, evidence: Evidence, *, forge: Forge) -> None:
    """Attach the evidence to the head commit; neutral, so that it never blocks a merge."""
    forge.report_check(
        pull_request,
        name=CHECK_NAME,
        summary=check_run_summary(evidence),
        text=f"Failure mode `{proposal.failure_mode_id}`, proposal `{proposal.id}`.",
        conclusion=Conclusion.NEUTRAL,
    )


def _commit_message(proposal: Proposal) -> str:
    trailers = f"Failure-Mode: {proposal.failure_mode_id}\nEvidence-Run: {proposal.id}"
    return f"{title(proposal)}\n\n{trailers}\n"
