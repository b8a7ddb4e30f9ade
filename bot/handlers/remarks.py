"""Keep what reviewers say of our pull requests, and have it answered when they have been quiet for a while."""

from collections.abc import Mapping
from typing import Any

from bot.errand import Errand, Kind
from bot.forge.forge import State
from bot.handlers import payload as read
from bot.handlers import requests
from bot.handlers.means import Means
from bot.remark import MAX_WORDS, Remark
from bot.store.deliveries import tenant_of_delivery
from webhooks.github import Delivery

#: An approval asks for nothing.
ASKING = frozenset({"changes_requested", "commented"})


def take_review(delivery: Delivery, means: Means) -> None:
    """Keep the words of a review as a whole."""
    review = read.mapping(delivery.payload, "review")
    if read.text(review, "state").lower() in ASKING:
        _take(delivery, means, review, "review", thread=None)


def take_review_comment(delivery: Delivery, means: Means) -> None:
    """Keep a remark on a line; what belongs to a thread is answered there."""
    comment = read.mapping(delivery.payload, "comment")
    thread = read.number(comment, "in_reply_to_id") or read.number(comment, "id")
    _take(delivery, means, comment, "comment", thread=thread)


def _take(delivery: Delivery, means: Means, said: Mapping[str, Any], kind: str, *, thread: int | None) -> None:
    tenant, repository = tenant_of_delivery(delivery), read.text(delivery.payload, "repository", "full_name")
    number = read.number(read.mapping(delivery.payload, "pull_request"), "number")
    said_id, words = read.number(said, "id"), read.text(said, "body").strip()
    if number is None or said_id is None or not words or read.text(delivery.payload, "sender", "type") == "Bot":
        return
    opened, author = means.store.find_pull_request(tenant, repository, number), read.text(said, "user", "login")
    if opened is None or opened.pull_request.state != State.OPEN or not requests.may_ask(means, tenant, opened, author):
        return  # whoever may not write is heard, as an outcome, and not answered: an answer costs a run
    remark = Remark(
        id=f"{kind} {said_id}",
        head_branch=opened.pull_request.head_branch,
        author=author,
        words=words[:MAX_WORDS],
        path=read.text(said, "path"),
        line=read.number(said, "line"),
        thread=thread,
        told_at=means.now(),
    )
    means.store.keep_remark(tenant, remark)
    means.start(Errand(Kind.REVIEW, tenant, opened.proposal_id))
