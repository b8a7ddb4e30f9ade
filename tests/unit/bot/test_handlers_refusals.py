"""A pull request that was closed without a merge: one question, a typed answer, and what follows from it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.forge.forge import State
from bot.outcome import Reason
from bot.pr_body.question import BOXES, MARKER, chosen, question
from bot.refusal import Refusal
from bot.refused import take_silence
from bot.second_chance import may_try_again
from clustering.failure_mode import Status
from tests.unit.bot.test_handlers_checks import NOW, PROPOSAL, TENANT, World, world
from tests.unit.bot.test_submit import MODE

__all__ = ["world"]  # a fixture

HIDDEN = f"<!-- tracewright:{MARKER} -->"
REFUSAL = Refusal(proposal_id="p", failure_mode_id="fm7", base_sha="a" * 40, n_sessions=8, refused_at=NOW)


def close(world: World, *, kind: str = "User", state: State = State.CLOSED) -> None:
    world.forge.state = state
    pull = {"number": 7, "merged": False, "closed_at": "2026-11-02T12:00:00Z"}
    world.tell("pull_request", "closed", kind=kind, number=7, pull_request=pull)


def comment(world: World, action: str, words: str, *, author: str = "User", by: str = "ada") -> None:
    said = {"id": 5, "body": words, "user": {"type": author}, "created_at": "2026-11-02T12:00:00Z"}
    world.tell("issue_comment", action, by=by, issue={"number": 7, "pull_request": {}}, comment=said)


def check(world: World, reason: Reason, *, by: str = "ada", author: str = "Bot") -> None:
    (told,) = world.forge.comments[MARKER]
    edited = told.replace(f"- [ ] **{reason.value}**", f"- [x] **{reason.value}**")
    comment(world, "edited", f"{edited}\n\n{HIDDEN}", author=author, by=by)


def reason(world: World) -> Reason | None:
    (refusal,) = world.store.refusals(TENANT)
    (outcome,) = [each for each in world.store.outcomes_of_mode(TENANT, "fm7") if each.decision == "refused"]
    assert outcome.reason == refusal.reason
    return refusal.reason


def test_why_is_asked_once_with_the_bar_in_the_question(world: World) -> None:
    close(world)
    (told,) = world.forge.comments[MARKER]
    assert "16 more sessions than the 8 known today" in told
    assert all(f"- [ ] **{each.value}**" in told for each in BOXES)


def test_the_checked_box_is_the_reason(world: World) -> None:
    close(world)
    check(world, Reason.WRONG_FIX)
    assert reason(world) is Reason.WRONG_FIX


def test_words_below_are_the_reason_when_no_box_is_checked(world: World) -> None:
    close(world)
    comment(world, "created", "We rewrite this part next week.")
    assert reason(world) is Reason.OTHER
    refused = [each for each in world.store.outcomes_of_mode(TENANT, "fm7") if each.decision == "refused"]
    assert [each.words for each in refused] == ["We rewrite this part next week."]
    check(world, Reason.PROCESS)
    assert reason(world) is Reason.PROCESS


def test_only_our_own_comment_and_only_those_who_may_write_give_reasons(world: World) -> None:
    close(world)
    check(world, Reason.UNWANTED, by="mallory")
    check(world, Reason.UNWANTED, author="User")
    comment(world, "created", "Spam.", by="mallory")
    assert reason(world) is None


def test_silence_is_noted_after_seven_days(world: World) -> None:
    close(world)
    take_silence(world.store, TENANT, now=NOW + timedelta(days=6, hours=23))
    assert reason(world) is None
    take_silence(world.store, TENANT, now=NOW + timedelta(days=7))
    assert reason(world) is Reason.SILENCE


def test_a_bot_that_closes_is_not_asked(world: World) -> None:
    close(world, kind="Bot")
    assert MARKER not in world.forge.comments
    (opened,) = world.store.pull_requests(TENANT)
    assert opened.pull_request.state == State.CLOSED


def test_a_late_word_of_closing_does_not_close_what_is_open_again(world: World) -> None:
    close(world, state=State.OPEN)
    (opened,) = world.store.pull_requests(TENANT)
    assert (opened.pull_request.state, world.store.refusals(TENANT)) == (State.OPEN, [])


def test_a_pull_request_that_people_reopen_is_open_again(world: World) -> None:
    close(world)
    world.forge.state = State.OPEN
    world.tell("pull_request", "reopened", number=7, pull_request={"number": 7})
    (opened,) = world.store.pull_requests(TENANT)
    assert (opened.pull_request.state, world.store.refusals(TENANT)) == (State.OPEN, [])
    assert world.status() is Status.ONGOING


def test_a_question_without_a_checked_box_has_no_answer() -> None:
    assert chosen(question(REFUSAL)) is None
    assert chosen("- [x] **mine**: all of it\n- [X] **duplicate**: x") is Reason.DUPLICATE


@pytest.mark.parametrize(
    ("n_sessions", "base_sha", "why", "again"),
    [
        (24, "b", Reason.WRONG_FIX, True),
        (24, "b", None, True),
        (23, "b", Reason.WRONG_FIX, False),
        (24, "a", Reason.WRONG_FIX, False),
        (24, "b", Reason.UNWANTED, False),
    ],
)
def test_a_second_chance_needs_all_that_the_bar_says(
    n_sessions: int, base_sha: str, why: Reason | None, *, again: bool
) -> None:
    mode = replace(MODE, n_sessions=n_sessions)
    assert may_try_again(mode, [replace(REFUSAL, reason=why)], base_sha=base_sha * 40) is again
    assert may_try_again(mode, [], base_sha=base_sha * 40) is False


def test_who_asks_again_gets_a_second_chance(world: World) -> None:
    close(world)
    assert not may_try_again(MODE, world.store.refusals(TENANT), base_sha="b" * 40)
    world.store.ask_again(TENANT, PROPOSAL.failure_mode_id)
    assert may_try_again(MODE, world.store.refusals(TENANT), base_sha="b" * 40)
