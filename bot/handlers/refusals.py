"""Take the answer to the question why a pull request was closed: a checked box, or a few words."""

from bot.command import read_command
from bot.handlers import payload as read
from bot.handlers import requests
from bot.handlers.about import comment_on_ours
from bot.handlers.means import Means
from bot.outcome import Reason
from bot.pr_body.question import MARKER, chosen
from webhooks.github import Delivery


def take_choice(delivery: Delivery, means: Means) -> None:
    """Note the box that somebody checked in our question."""
    said = comment_on_ours(delivery, means)
    author = read.text(read.mapping(delivery.payload, "comment"), "user", "type")
    if said is None or author != "Bot" or f"<!-- tracewright:{MARKER} -->" not in said.words:
        return
    reason = chosen(said.words)
    if reason is not None and requests.may_ask(means, said.tenant, said.opened, said.actor):
        means.store.give_reason(said.tenant, said.opened.proposal_id, reason, by=said.actor, comment=said.address)


def take_words(delivery: Delivery, means: Means) -> None:
    """Note what somebody writes below our question as the reason, where no box was checked."""
    said = comment_on_ours(delivery, means)
    if said is None or read_command(said.words) is not None:
        return
    refused = {refusal.proposal_id: refusal for refusal in means.store.refusals(said.tenant)}
    refusal = refused.get(said.opened.proposal_id)
    unanswered = refusal is not None and refusal.reason in {None, Reason.SILENCE}
    if unanswered and requests.may_ask(means, said.tenant, said.opened, said.actor):
        means.store.give_reason(
            said.tenant,
            said.opened.proposal_id,
            Reason.OTHER,
            words=said.words,
            by=said.actor,
            comment=said.address,
        )
