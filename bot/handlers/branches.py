"""Notice that people have pushed to a branch of ours, and say once that it is theirs now."""

from bot.handlers import payload as read
from bot.handlers.means import Means
from bot.pr_body.comments import HANDS_OFF
from bot.sticky import answer
from bot.strangers import last_of_ours, strangers
from webhooks.github import Delivery


def notice_strangers(delivery: Delivery, means: Means) -> None:
    """Say, in our one comment, that a branch with other people's commits is left alone from now on."""
    tenant = read.text(delivery.payload, "installation", "id")
    repository = read.text(delivery.payload, "repository", "full_name")
    number = read.number(delivery.payload, "number")
    opened = means.store.find_pull_request(tenant, repository, number) if number is not None else None
    if opened is None:
        return
    forge = means.forge_of(tenant, repository)
    commits = forge.commits(opened.pull_request)
    if strangers(commits, last_of_ours(commits, opened.pull_request)):
        answer(means.store, tenant, opened.pull_request, "hands-off", HANDS_OFF, forge=forge)
