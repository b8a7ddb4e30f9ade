"""Read which pull request of ours a comment is about, and who wrote it."""

from typing import NamedTuple

from bot.handlers import payload as read
from bot.handlers.means import Means
from bot.store.deliveries import tenant_of_delivery
from bot.store.pull_requests import Opened
from webhooks.github import Delivery


class Said(NamedTuple):
    """A comment of a person on a pull request of ours."""

    tenant: str
    opened: Opened
    actor: str
    comment_id: int
    #: Data, never instructions.
    words: str

    @property
    def address(self) -> str:
        """Where the comment is read."""
        return f"{self.opened.pull_request.url}#issuecomment-{self.comment_id}"


def comment_on_ours(delivery: Delivery, means: Means) -> Said | None:
    """Return the comment of a person on a pull request of ours; None for a bot's, and for any other."""
    payload = delivery.payload
    issue, comment = read.mapping(payload, "issue"), read.mapping(payload, "comment")
    number, comment_id = read.number(issue, "number"), read.number(comment, "id")
    if "pull_request" not in issue or number is None or comment_id is None:
        return None
    if read.text(payload, "sender", "type") == "Bot":
        return None
    tenant = tenant_of_delivery(delivery)
    opened = means.store.find_pull_request(tenant, read.text(payload, "repository", "full_name"), number)
    if opened is None:
        return None
    return Said(tenant, opened, read.text(payload, "sender", "login"), comment_id, read.text(comment, "body"))
