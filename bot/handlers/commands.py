"""Obey what a comment on one of our pull requests begins with, when whoever wrote it may write to the repository."""

from bot.command import Verb, read_command
from bot.errand import Errand, Kind
from bot.handlers import requests
from bot.handlers.about import Said, comment_on_ours
from bot.handlers.means import Means
from bot.pr_body.comments import HELP
from bot.sticky import answer
from webhooks.github import Delivery

ERRANDS = {Verb.REOPEN: Kind.REOPEN, Verb.REBASE: Kind.REBASE, Verb.SPLIT: Kind.SPLIT}


def obey_command(delivery: Delivery, means: Means) -> None:
    """Acknowledge a command and do what it says; who may not write is not even answered."""
    said = comment_on_ours(delivery, means)
    command = None if said is None else read_command(said.words)
    if said is None or command is None or not requests.may_ask(means, said.tenant, said.opened, said.actor):
        return
    forge = means.forge_of(said.tenant, said.opened.pull_request.repository)
    forge.acknowledge(said.opened.pull_request, said.comment_id)
    match command.verb:
        case None:
            answer(means.store, said.tenant, said.opened.pull_request, "help", HELP, forge=forge)
        case Verb.RERUN:
            requests.rerun(means, said.tenant, said.opened)
        case Verb.EXPLAIN:
            requests.explain(means, said.tenant, said.opened)
        case Verb.IGNORE:
            _ignore(means, said, delivery.delivery_id, command.words)
        case _:
            means.start(Errand(ERRANDS[command.verb], said.tenant, said.opened.proposal_id, words=command.words))


def _ignore(means: Means, said: Said, delivery_id: str, reason: str) -> None:
    requests.ignore(
        means,
        said.tenant,
        said.opened,
        actor=said.actor,
        delivery_id=delivery_id,
        reason=reason,
        comment=said.address,
    )
