"""Payloads as https://docs.github.com/en/webhooks/webhook-events-and-payloads describes them, cut to what is read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.outcome import Decision
from bot.watch import MAX_WORDS, Happening, read_happening
from webhooks.github import Delivery

REPOSITORY = {"id": 1296269, "full_name": "octocat/hello-world", "private": False}
PERSON = {"login": "octocat", "id": 1, "type": "User"}
BOT = {"login": "github-merge-queue[bot]", "id": 2, "type": "Bot"}
PULL = {"number": 7, "state": "closed", "merged": False, "closed_at": "2026-11-02T12:00:00Z"}


def read(event: str, action: str, *, sender: dict[str, Any] = PERSON, **payload: object) -> Happening | None:
    whole = {"action": action, "repository": REPOSITORY, "installation": {"id": 42}, "sender": sender, **payload}
    return read_happening(Delivery(delivery_id="d", event=event, action=action, payload=whole))


def test_a_merge_and_a_refusal_are_told_apart() -> None:
    merged = read("pull_request", "closed", pull_request={**PULL, "merged": True})
    assert merged == Happening(
        tenant="42",
        repository="octocat/hello-world",
        number=7,
        decision=Decision.MERGED,
        actor="octocat",
        words="",
        at=datetime(2026, 11, 2, 12, tzinfo=UTC),
    )
    refused = read("pull_request", "closed", pull_request=PULL)
    assert refused is not None
    assert refused.decision is Decision.REFUSED


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        ("approved", Decision.APPROVED),
        ("changes_requested", Decision.CHANGES_REQUESTED),
        ("commented", Decision.COMMENTED),
        ("APPROVED", Decision.APPROVED),
    ],
)
def test_a_review_keeps_its_words(state: str, decision: Decision) -> None:
    review = {"state": state, "body": "Why not in the client?", "submitted_at": "2026-11-02T13:00:00+01:00"}
    found = read("pull_request_review", "submitted", review=review, pull_request=PULL)
    assert found is not None
    assert (found.decision, found.words, found.at.hour) == (decision, "Why not in the client?", 12)


def test_a_comment_on_a_pull_request_counts_and_one_on_an_issue_does_not() -> None:
    comment = {"body": "x" * (MAX_WORDS + 1), "created_at": "2026-11-02T12:00:00Z"}
    on_pull = read("issue_comment", "created", issue={"number": 7, "pull_request": {"url": "…"}}, comment=comment)
    assert on_pull is not None
    assert (on_pull.decision, len(on_pull.words)) == (Decision.COMMENTED, MAX_WORDS)
    assert read("issue_comment", "created", issue={"number": 7}, comment=comment) is None


def test_what_a_bot_says_is_no_opinion_but_what_it_merges_is_merged() -> None:
    review = {"state": "approved", "body": None, "submitted_at": "2026-11-02T12:00:00Z"}
    assert read("pull_request_review", "submitted", sender=BOT, review=review, pull_request=PULL) is None
    merged = read("pull_request", "closed", sender=BOT, pull_request={**PULL, "merged": True})
    assert merged is not None
    assert merged.actor == "github-merge-queue[bot]"


@pytest.mark.parametrize(
    ("event", "action", "payload"),
    [
        ("pull_request", "opened", {"pull_request": PULL}),
        ("pull_request", "closed", {"pull_request": {"number": "7"}}),
        ("pull_request", "closed", {"pull_request": None}),
        ("pull_request", "closed", {"pull_request": PULL, "installation": None}),
        ("pull_request", "closed", {"pull_request": PULL, "repository": []}),
        ("pull_request_review", "submitted", {"pull_request": PULL, "review": {"state": "dismissed"}}),
        ("pull_request_review", "edited", {"pull_request": PULL, "review": {"state": "approved"}}),
        ("issue_comment", "created", {"issue": {"number": 7, "pull_request": {}}, "comment": {}, "installation": {}}),
        ("star", "created", {}),
    ],
)
def test_other_deliveries_tell_nothing(event: str, action: str, payload: dict[str, Any]) -> None:
    assert read(event, action, **payload) is None


def test_a_time_that_cannot_be_read_is_the_epoch() -> None:
    found = read("pull_request", "closed", pull_request={**PULL, "closed_at": None})
    assert found is not None
    assert found.at == datetime(1970, 1, 1, tzinfo=UTC)
