"""Follow the pull requests that take merged fixes back."""

from bot.handlers import payload as read
from bot.handlers.means import Means
from bot.revert import follow_revert
from bot.store.deliveries import tenant_of_delivery
from webhooks.github import Delivery


def note_revert(delivery: Delivery, means: Means) -> None:
    """Note that a revert of ours was merged, closed or opened again."""
    tenant, number = tenant_of_delivery(delivery), read.number(delivery.payload, "number")
    repository = read.text(delivery.payload, "repository", "full_name")
    revert = None if number is None else means.store.find_revert(tenant, repository, number)
    if revert is not None:
        forge, actor = means.forge_of(tenant, revert.repository), read.text(delivery.payload, "sender", "login")
        follow_revert(means.store, tenant, revert, forge=forge, actor=actor, now=means.now())
