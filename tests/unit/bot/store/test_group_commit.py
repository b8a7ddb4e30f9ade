"""Group commit: one transaction for those who come at once, and each caller's own error."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest

from bot.store.group_commit import GroupCommit
from webhooks.errors import Unavailable

DEADLINE_S = 10.0


@dataclass
class Disk:
    """Keeps groups; the first commit waits until the test lets it go on, so that the others gather behind it."""

    poison: str = ""
    error: Exception = field(default_factory=lambda: ValueError("poison"))
    groups: list[list[str]] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def commit(self, items: Sequence[str]) -> None:
        self.begun.set()
        assert self.go_on.wait(DEADLINE_S)
        if self.poison in items:
            raise self.error
        self.groups.append(list(items))

    @property
    def kept(self) -> list[str]:
        return sorted(item for group in self.groups for item in group)


@dataclass
class Callers:
    """Threads that keep one item each, one after another, and what came of it."""

    group: GroupCommit[str]
    errors: dict[str, Exception] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, item: str, *, n_bytes: int = 1) -> None:
        thread = threading.Thread(target=self._keep, args=(item, n_bytes))
        thread.start()
        self.threads.append(thread)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(DEADLINE_S)
        assert not any(thread.is_alive() for thread in self.threads)

    def _keep(self, item: str, n_bytes: int) -> None:
        try:
            self.group.keep(item, n_bytes=n_bytes)
        except (ValueError, Unavailable) as error:
            self.errors[item] = error
        else:
            self.returned.append(item)


def gather(disk: Disk, items: Sequence[str], **limits: int) -> Callers:
    """Start a first caller, let the items gather while its commit is under way, and return when all are done."""
    group = GroupCommit(disk.commit, **limits)
    callers = Callers(group)
    callers.start("first")
    assert disk.begun.wait(DEADLINE_S)
    for n_waiting, item in enumerate(items, 1):
        callers.start(item)
        wait_until(partial(_waits_or_failed, callers, n_waiting))
    disk.go_on.set()
    callers.join()
    return callers


def _waits_or_failed(callers: Callers, n_waiting: int) -> bool:
    return callers.group.n_waiting == n_waiting or bool(callers.errors)


def wait_until(true: Callable[[], bool]) -> None:
    turn = threading.Event()
    for _ in range(10_000):
        if true():
            return
        turn.wait(0.001)
    raise AssertionError("it never came true")


def test_those_who_wait_are_committed_together() -> None:
    disk = Disk()
    gather(disk, ["a", "b", "c"])
    assert disk.groups == [["first"], ["a", "b", "c"]]


def test_nobody_returns_before_the_commit() -> None:
    disk = Disk()
    callers = Callers(GroupCommit(disk.commit))
    callers.start("a")
    assert disk.begun.wait(DEADLINE_S)
    assert callers.returned == []
    disk.go_on.set()
    callers.join()
    assert callers.returned == ["a"]


def test_a_group_has_a_largest_size() -> None:
    disk = Disk()
    gather(disk, ["a", "b", "c"], max_group_bytes=2)
    assert disk.groups == [["first"], ["a", "b"], ["c"]]


def test_the_error_of_one_does_not_fail_the_others() -> None:
    disk = Disk(poison="b")
    callers = gather(disk, ["a", "b", "c"])
    assert disk.kept == ["a", "c", "first"]
    assert {item: str(error) for item, error in callers.errors.items()} == {"b": "poison"}


def test_a_disk_that_is_full_is_full_for_the_whole_group() -> None:
    disk = Disk(poison="b", error=Unavailable("the disk is full"))
    callers = gather(disk, ["a", "b"])
    assert sorted(callers.errors) == ["a", "b"]
    assert disk.kept == ["first"]


def test_more_than_may_wait_is_told_to_come_again() -> None:
    disk = Disk()
    callers = gather(disk, ["a", "b", "late"], max_waiting_bytes=2)
    assert list(callers.errors) == ["late"]
    assert "wait for the database" in str(callers.errors["late"])
    assert disk.kept == ["a", "b", "first"]


def test_one_item_may_be_larger_than_every_limit() -> None:
    disk = Disk()
    disk.go_on.set()
    GroupCommit(disk.commit, max_group_bytes=1, max_waiting_bytes=1).keep("large", n_bytes=1_000)
    assert disk.kept == ["large"]


def test_closing_waits_for_what_came_and_refuses_what_comes_later() -> None:
    disk = Disk()
    disk.go_on.set()
    group = GroupCommit(disk.commit)
    group.keep("a", n_bytes=1)
    group.close()
    with pytest.raises(Unavailable, match="shutting down"):
        group.keep("b", n_bytes=1)
    assert disk.kept == ["a"]


def test_an_interrupted_commit_is_no_success_for_those_who_waited() -> None:
    class Interrupted(BaseException):
        """Such as KeyboardInterrupt."""

    def commit(_: Sequence[str]) -> None:
        raise Interrupted

    group = GroupCommit(commit)
    with pytest.raises(Interrupted):
        group.keep("a", n_bytes=1)
    with pytest.raises(Interrupted):  # the turn was given back
        group.keep("b", n_bytes=1)
