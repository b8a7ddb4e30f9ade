"""Try to mend one failure mode now, without the durable pipeline: for the command line."""

from typing import NamedTuple

from bot.errors import UnknownFailureMode
from bot.pipeline import Task
from bot.stages import ProductStages
from clustering.failure_mode import FailureMode
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal


class Fixed(NamedTuple):
    """What came of one attempt."""

    mode: FailureMode
    proposal: Proposal | None
    evidence: Evidence | None
    #: Address of the pull request; None when none was opened.
    url: str | None
    #: Why it ended there, in a sentence.
    reason: str


def fix_once(stages: ProductStages, tenant: str, failure_mode_id: str, *, dry_run: bool) -> Fixed:
    """Draft, verify and, unless `dry_run`, submit; a failure mode that has a pull request gets no second one.

    Raises
    ------
    UnknownFailureMode
        When the tenant has no such failure mode.

    """
    mode = stages.store.failure_mode(tenant, failure_mode_id)
    if mode is None:
        raise UnknownFailureMode(f"tenant {tenant!r} has no failure mode {failure_mode_id!r}")
    opened = stages.store.pull_requests_of_mode(tenant, mode.id)
    if opened and not dry_run:
        pull_request = opened[0].pull_request
        return Fixed(mode, None, None, pull_request.url, f"it has a pull request already, {pull_request.state}")
    proposal, evidence = None, None
    for proposal_id in stages.draft(tenant, Task(mode.id, "by hand")):
        verdict = stages.verify(tenant, proposal_id)
        proposal, evidence = stages.store.proposal(tenant, proposal_id), stages.store.evidence_of(tenant, proposal_id)
        if verdict is Verdict.VERIFIED:
            url = None if dry_run else stages.submit(tenant, proposal_id)
            if url is not None:
                stages.report(tenant, proposal_id)
            return Fixed(mode, proposal, evidence, url, evidence.reason if evidence else "")
    verdicts = stages.store.verdicts(tenant).get(mode.id, [])
    return Fixed(mode, proposal, evidence, None, verdicts[-1].reason if verdicts else "nothing was drafted")
