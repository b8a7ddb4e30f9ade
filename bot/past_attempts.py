"""Gather every past attempt on a failure mode: what was drafted, what the trials showed, and what people said."""

from collections.abc import Sequence

from bot.allowance import DAY_IS_SPENT
from bot.outcome import Outcome
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from clustering.failure_mode import FailureMode
from fixers.archive import Attempt
from fixers.evidence import Verdict

MAX_OTHERS = 20  # attempts on other failure modes of the same agent
#: Why nothing was drafted, where no model was there to draft it; the attempt says nothing then.
NO_MODEL = "no model is configured"


def past_attempts(store: Store, tenant: str, mode: FailureMode) -> list[Attempt]:
    """Return the attempts on a failure mode, oldest first, and after them those on others of the same agent."""
    verdicts = store.verdicts(tenant)
    own = _of_mode(store, tenant, mode, verdicts.get(mode.id, ()))
    others = [
        attempt
        for other in store.failure_modes(tenant)
        if other.id != mode.id and other.id in verdicts and _is_same_agent(other, mode)
        for attempt in _of_mode(store, tenant, other, verdicts[other.id], about=other.title)
        if attempt.proposal
    ]
    return [*own, *others[-MAX_OTHERS:]]


def lacked_model(verdict: RecordedVerdict) -> bool:
    """Tell whether nothing was drafted because there was no model to draft it, or no budget left that day."""
    lacking = NO_MODEL in verdict.reason or DAY_IS_SPENT in verdict.reason
    return verdict.verdict is Verdict.NO_PROPOSAL and lacking


def _is_same_agent(one: FailureMode, other: FailureMode) -> bool:
    return bool(one.service) and one.service == other.service


def _of_mode(
    store: Store, tenant: str, mode: FailureMode, verdicts: Sequence[RecordedVerdict], *, about: str = ""
) -> list[Attempt]:
    outcomes = store.outcomes_of_mode(tenant, mode.id)
    drafted = {proposal.id: proposal for proposal in store.proposals_of_mode(tenant, mode.id)}
    last = {each.proposal_id: each for each in verdicts if each.proposal_id in drafted}
    told: list[tuple[object, Attempt]] = [
        (
            each.decided_at,
            Attempt(
                proposal=drafted[proposal_id],
                verdict=each.verdict.value,
                reason=each.reason,
                evidence=store.evidence_of(tenant, proposal_id),
                reviews=_said(proposal_id, outcomes),
                about=about,
            ),
        )
        for proposal_id, each in last.items()
        if proposal_id
    ]
    told += [
        (each.decided_at, Attempt(proposal=None, verdict=each.verdict.value, reason=each.reason, about=about))
        for each in verdicts
        if each.verdict is Verdict.NO_PROPOSAL and not lacked_model(each)
    ]
    return [attempt for _, attempt in sorted(told, key=lambda each: str(each[0]))]


def _said(proposal_id: str, outcomes: Sequence[Outcome]) -> tuple[tuple[str, str], ...]:
    """Return who decided what about a proposal, and their words."""
    return tuple(
        (
            f"{each.decision} by {each.actor or 'somebody'}" + (f" ({each.reason})" if each.reason else ""),
            each.words or "(no words)",
        )
        for each in outcomes
        if each.proposal_id == proposal_id
    )
