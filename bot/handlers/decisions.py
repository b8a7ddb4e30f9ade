"""Record what people decide about our pull requests and say of them."""

from bot.command import read_command
from bot.forge.forge import State
from bot.handlers import payload as read
from bot.handlers.means import Means
from bot.outcome import Decision, Outcome
from bot.refused import ask_why
from bot.store.deliveries import tenant_of_delivery
from bot.store.pull_requests import Opened
from bot.watch import Happening, read_happening
from clustering.failure_mode import Status
from webhooks.github import Delivery


def record_decision(delivery: Delivery, means: Means) -> None:
    """Keep the outcome that the delivery tells of, when it is about a pull request of ours."""
    happening = read_happening(delivery)
    if happening is None or read_command(happening.words) is not None:
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
    if happening.decision is Decision.MERGED:
        means.store.set_pull_request_state(happening.tenant, opened.pull_request, State.MERGED)
    elif happening.decision is Decision.REFUSED:
        is_bot = read.text(delivery.payload, "sender", "type") == "Bot"
        _note_refusal(happening, opened, means, may_answer=not is_bot)


def follow_reopening(delivery: Delivery, means: Means) -> None:
    """Take a pull request up again that somebody opened again."""
    tenant, number = tenant_of_delivery(delivery), read.number(delivery.payload, "number")
    repository = read.text(delivery.payload, "repository", "full_name")
    opened = None if number is None else means.store.find_pull_request(tenant, repository, number)
    proposal = None if opened is None else means.store.proposal(tenant, opened.proposal_id)
    if opened is None or proposal is None or _state(tenant, opened, means) is not State.OPEN:
        return
    means.store.set_pull_request_state(tenant, opened.pull_request, State.OPEN)
    means.store.set_status(tenant, proposal.failure_mode_id, Status.ONGOING)
    means.store.forget_refusal(tenant, opened.proposal_id)


def _note_refusal(happening: Happening, opened: Opened, means: Means, *, may_answer: bool) -> None:
    """Note that it was closed, unless it is open again by now: deliveries may come late, and in any order."""
    state = _state(happening.tenant, opened, means)
    means.store.set_pull_request_state(happening.tenant, opened.pull_request, state)
    if state is State.CLOSED and may_answer:
        forge = means.forge_of(happening.tenant, opened.pull_request.repository)
        ask_why(means.store, happening.tenant, opened, forge=forge, now=means.now())


def _state(tenant: str, opened: Opened, means: Means) -> State:
    return means.forge_of(tenant, opened.pull_request.repository).pull_request_state(opened.pull_request)
