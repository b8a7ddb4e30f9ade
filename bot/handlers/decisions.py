"""Record what people decide about our pull requests and say of them."""

from bot.forge.forge import State
from bot.handlers.means import Means
from bot.outcome import Decision, Outcome
from bot.watch import read_happening
from webhooks.github import Delivery

ENDED = {Decision.MERGED: State.MERGED, Decision.REFUSED: State.CLOSED}


def record_decision(delivery: Delivery, means: Means) -> None:
    """Keep the outcome that the delivery tells of, when it is about a pull request of ours."""
    happening = read_happening(delivery)
    if happening is None:
        return
    opened = means.store.find_pull_request(happening.tenant, happening.repository, happening.number)
    if opened is None:
        return
    outcome = Outcome(
        delivery_id=delivery.delivery_id,
        proposal_id=opened.proposal_id,
        decision=happening.decision,
        actor=happening.actor,
        words=happening.words,
        decided_at=happening.at,
    )
    means.store.record_outcome(happening.tenant, outcome)
    if state := ENDED.get(happening.decision):
        means.store.set_pull_request_state(happening.tenant, opened.pull_request, state)
