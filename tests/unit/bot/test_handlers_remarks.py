"""What reviewers say is kept and answered later, when they may write to the repository."""

import pytest

from bot.errand import Errand, Kind
from tests.unit.bot.test_handlers_checks import PROPOSAL, PULL, TENANT, World, world

__all__ = ["world"]  # a fixture


def review(world: World, state: str, words: str = "Why?", *, by: str = "ada", kind: str = "User") -> None:
    said = {"id": 3, "state": state, "body": words, "user": {"login": by}}
    world.tell("pull_request_review", "submitted", by=by, kind=kind, review=said, pull_request={"number": 7})


def test_a_change_request_is_kept_once_and_answered_later(world: World) -> None:
    for _ in range(2):
        review(world, "changes_requested", "Why twice?")
    (remark,) = world.store.unanswered_remarks(TENANT, PULL.head_branch)
    assert (remark.id, remark.author, remark.words, remark.thread) == ("review 3", "ada", "Why twice?", None)
    assert set(world.started) == {Errand(Kind.REVIEW, TENANT, PROPOSAL.id)}


def test_a_reply_is_answered_in_its_thread(world: World) -> None:
    said = {"id": 9, "in_reply_to_id": 4, "body": "Still.", "user": {"login": "ada"}, "path": "a.py", "line": 2}
    world.tell("pull_request_review_comment", "created", comment=said, pull_request={"number": 7})
    (remark,) = world.store.unanswered_remarks(TENANT, PULL.head_branch)
    assert (remark.thread, remark.path, remark.line) == (4, "a.py", 2)


@pytest.mark.parametrize(
    ("state", "words", "by", "kind"),
    [
        ("approved", "Good.", "ada", "User"),
        ("commented", " ", "ada", "User"),
        ("changes_requested", "No.", "mallory", "User"),
        ("changes_requested", "No.", "ada", "Bot"),
    ],
)
def test_approvals_readers_and_bots_ask_for_no_answer(world: World, state: str, words: str, by: str, kind: str) -> None:
    review(world, state, words, by=by, kind=kind)
    assert (world.store.unanswered_remarks(TENANT, PULL.head_branch), world.started) == ([], [])


def test_an_ended_pull_request_is_not_answered(world: World) -> None:
    world.store.set_pull_request_state(TENANT, PULL, "merged")
    review(world, "changes_requested")
    assert world.started == []
