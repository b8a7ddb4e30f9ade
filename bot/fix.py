"""Try to mend one failure mode now, without the durable pipeline: for the command line."""

from typing import NamedTuple

from bot.lookup import find_mode
from bot.pipeline import Task
from bot.stages import ProductStages
from clustering.failure_mode import FailureMode
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal


class Fixed(NamedTuple):
    """What came of one attempt."""

    mode: FailureMode
    #: The last one tried; None when nothing was drafted.
    proposal: Proposal | None
    evidence: Evidence | None
    #: None when nothing was tried.
    verdict: Verdict | None
    #: Why it ended there, in a sentence.
    reason: str
    #: Address of the pull request; None when there is none.
    url: str | None


def fix_once(stages: ProductStages, tenant: str, failure_mode_id: str, *, dry_run: bool) -> Fixed:
    """Draft, verify and, unless `dry_run`, submit; a failure mode that has a pull request gets no second one.

    Raises
    ------
    UnknownFailureMode
        When the tenant has no failure mode whose id begins so.

    """
    mode = find_mode(stages.store, tenant, failure_mode_id)
    opened = stages.store.pull_requests_of_mode(tenant, mode.id)
    if opened and not dry_run:
        pull_request = opened[0].pull_request
        return Fixed(mode, None, None, None, f"it has a pull request already: {pull_request.state}", pull_request.url)
    task, url = Task(mode.id, "by hand"), None
    while proposal_ids := stages.draft(tenant, task):
        task = task._replace(tried=(*task.tried, *proposal_ids))
        verified = next((each for each in proposal_ids if stages.verify(tenant, each) is Verdict.VERIFIED), None)
        if verified is not None:
            url = None if dry_run else _opened(stages, tenant, verified)
            return _ended(stages, tenant, mode, verified, url)
    return _ended(stages, tenant, mode, task.tried[-1] if task.tried else None, None)


def _opened(stages: ProductStages, tenant: str, proposal_id: str) -> str | None:
    url = stages.submit(tenant, proposal_id, asked=True)
    if url is not None:
        stages.report(tenant, proposal_id)
    return url


def _ended(stages: ProductStages, tenant: str, mode: FailureMode, proposal_id: str | None, url: str | None) -> Fixed:
    proposal = stages.store.proposal(tenant, proposal_id) if proposal_id else None
    evidence = stages.store.evidence_of(tenant, proposal_id) if proposal_id else None
    last = stages.store.verdicts(tenant)[mode.id][-1]  # every attempt leaves one
    return Fixed(mode, proposal, evidence, last.verdict, last.reason, url)
