"""Comments that begin with a command are obeyed, for those who may write to the repository."""

import pytest

from bot.command import read_command
from bot.errand import Errand, Kind
from bot.outcome import Decision, Reason
from clustering.failure_mode import Status
from tests.unit.bot.test_handlers_checks import PROPOSAL, PULL, TENANT, World, world

__all__ = ["world"]  # a fixture


def comment(world: World, words: str, *, by: str = "ada", kind: str = "User", number: int = 7) -> None:
    world.tell(
        "issue_comment",
        "created",
        by=by,
        kind=kind,
        issue={"number": number, "pull_request": {}},
        comment={"id": 5, "body": words, "created_at": "2026-11-02T12:00:00Z"},
    )


@pytest.mark.parametrize(
    ("words", "verb", "rest"),
    [
        ("/tracewright rerun", "rerun", ""),
        ("  /tracewright IGNORE it is a test\nmore", "ignore", "it is a test"),
        ("/tracewright", None, ""),
        ("/tracewright merge", None, ""),
    ],
)
def test_a_command_is_the_first_line_of_a_comment(words: str, verb: str | None, rest: str) -> None:
    command = read_command(words)
    assert command is not None
    assert (command.verb, command.words) == (verb, rest)


@pytest.mark.parametrize("words", ["please /tracewright rerun", "> /tracewright rerun", "/tracewrighter rerun", ""])
def test_a_command_elsewhere_is_none(words: str) -> None:
    assert read_command(words) is None


def test_rerun_is_acknowledged_and_started(world: World) -> None:
    comment(world, "/tracewright rerun")
    assert world.forge.acknowledged == [5]
    assert world.started == [Errand(Kind.REEXAMINE, TENANT, PROPOSAL.id)]


def test_rerun_after_the_end_says_so(world: World) -> None:
    world.store.set_pull_request_state(TENANT, PULL, "merged")
    comment(world, "/tracewright rerun")
    assert world.started == []
    assert "has ended" in world.forge.comments["answers"][0]


def test_all_answers_share_one_comment(world: World) -> None:
    for words in ("/tracewright explain", "/tracewright dance", "/tracewright sing"):
        comment(world, words)
    (told,) = world.forge.comments["answers"]
    assert PROPOSAL.rationale in told
    assert told.count("I know these commands") == 1


def test_ignore_keeps_the_reason_in_the_words_of_the_person(world: World) -> None:
    comment(world, "/tracewright ignore the tool is going away")
    (outcome,) = world.store.outcomes_of_mode(TENANT, "fm7")
    assert (outcome.decision, outcome.reason) == (Decision.REFUSED, Reason.UNWANTED)
    assert outcome.words == "the tool is going away"
    assert (world.status(), world.forge.closed) == (Status.ARCHIVED, [7])


def test_ignore_after_a_merge_leaves_the_fix(world: World) -> None:
    world.store.set_pull_request_state(TENANT, PULL, "merged")
    comment(world, "/tracewright ignore we live with it")
    assert (world.status(), world.forge.closed) == (Status.ARCHIVED, [])
    assert world.store.pull_requests(TENANT)[0].pull_request.state == "merged"
    assert world.store.refusals(TENANT) == []


def test_reopen_is_a_workers_errand(world: World) -> None:
    comment(world, "/tracewright reopen")
    assert world.started == [Errand(Kind.REOPEN, TENANT, PROPOSAL.id)]


@pytest.mark.parametrize("words", ["/tracewright ignore", "/tracewright rerun", "/tracewright dance"])
@pytest.mark.parametrize(("by", "kind", "number"), [("mallory", "User", 7), ("ada", "Bot", 7), ("ada", "User", 8)])
def test_nothing_happens_for_readers_bots_and_elsewhere(
    world: World, words: str, by: str, kind: str, number: int
) -> None:
    comment(world, words, by=by, kind=kind, number=number)
    assert (world.started, world.forge.comments, world.forge.closed) == ([], {}, [])
    assert world.forge.acknowledged == []
    assert world.store.outcomes_of_mode(TENANT, "fm7") == []
