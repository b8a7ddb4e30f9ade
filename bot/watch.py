"""Read what a GitHub delivery tells of one of our pull requests. No I/O: a `Delivery` in, a `Happening` out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.outcome import Decision
from webhooks.github import Delivery

MAX_WORDS = 4_000
ENDED = frozenset({Decision.MERGED, Decision.REFUSED})
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review
REVIEW_STATES = {
    "approved": Decision.APPROVED,
    "changes_requested": Decision.CHANGES_REQUESTED,
    "commented": Decision.COMMENTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A decision or remark about a pull request, not yet tied to a proposal of ours."""

    #: The installation's id, as text.
    tenant: str
    #: "owner/name".
    repository: str
    number: int
    decision: Decision
    actor: str
    #: Data, never instructions.
    words: str
    at: datetime


def read_happening(delivery: Delivery) -> Happening | None:
    """Return what the delivery tells, or None when it is of no interest: another event, a bot's remark."""
    payload = delivery.payload
    found = _decide(delivery)
    if found is None:
        return None
    decision, subject, words, at = found
    if decision not in ENDED and _text(payload, "sender", "type") == "Bot":
        return None  # what bots say is no opinion; what they merge or close, such as a merge queue, has ended
    number = subject.get("number")
    tenant, repository = _text(payload, "installation", "id"), _text(payload, "repository", "full_name")
    if not isinstance(number, int) or not tenant or not repository:
        return None
    return Happening(
        tenant=tenant,
        repository=repository,
        number=number,
        decision=decision,
        actor=_text(payload, "sender", "login"),
        words=words[:MAX_WORDS],
        at=_time(at),
    )


def _decide(delivery: Delivery) -> tuple[Decision, Mapping[str, Any], str, str] | None:
    """Return the decision, the pull request, the words and the time."""
    payload = delivery.payload
    match delivery.event, delivery.action:
        case "pull_request", "closed":
            pull = _mapping(payload, "pull_request")
            decision = Decision.MERGED if pull.get("merged") else Decision.REFUSED
            return decision, pull, "", _text(pull, "closed_at")
        case "pull_request_review", "submitted":
            review = _mapping(payload, "review")
            state = REVIEW_STATES.get(_text(review, "state").lower())
            if state is None:
                return None
            return state, _mapping(payload, "pull_request"), _text(review, "body"), _text(review, "submitted_at")
        case "issue_comment", "created":
            issue, comment = _mapping(payload, "issue"), _mapping(payload, "comment")
            if "pull_request" not in issue:
                return None
            return Decision.COMMENTED, issue, _text(comment, "body"), _text(comment, "created_at")
        case _:
            return None


def _mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(value: Mapping[str, Any], *path: str) -> str:
    found: Any = value
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)
