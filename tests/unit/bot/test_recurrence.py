"""What is different about a failure that came back, and when it gets another fix."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.recurrence import Difference, differences
from bot.second_chance import may_mend_again
from clustering.failure import Failure
from clustering.failure_mode import Status
from tests.unit.bot.test_submit import MODE
from webhooks.trace import Span, Trace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW = ("ada", "grace"), ("edsger", "donald")


def fail(n: int, *, start: int = 0, **changes: object) -> list[Failure]:
    made = Failure(trace_id="", span_id="s", detector="error", key="KeyError", message="m", reason="r", occurred_at=NOW)
    return [
        replace(
            made, trace_id=f"t{start + i}", session_id=f"s{start + i}", occurred_at=NOW + timedelta(hours=i), **changes
        )  # type: ignore[arg-type]
        for i in range(n)
    ]


def test_a_release_and_a_wording_that_are_new_or_gone_are_told_with_counts() -> None:
    before = fail(20, release="1.0", message="no order 17")
    since = fail(8, start=50, release="1.1", message="no parcel 4")
    assert differences(before, since, {}) == [
        Difference("release", "1.0", 20, 20, 0, 8),
        Difference("release", "1.1", 0, 20, 8, 8),
        Difference("message", "no order <number>", 20, 20, 0, 8),
        Difference("message", "no parcel <number>", 0, 20, 8, 8),
    ]


def test_what_chance_explains_is_not_told() -> None:
    before = [*fail(10, release="1.0"), *fail(10, start=20, release="1.1")]
    assert differences(before, [*fail(2, start=50, release="1.0"), *fail(4, start=60, release="1.1")], {}) == []
    assert differences(fail(20), fail(1, start=50, release="2.0"), {}) == []


def test_tools_are_read_from_the_traces() -> None:
    def trace(trace_id: str, tool: str) -> Trace:
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
        return Trace.from_spans(
            [Span(trace_id=trace_id, span_id="s", name="x", start=NOW, end=NOW, attributes=attributes)]
        )

    before, since = fail(12), fail(6, start=50)
    traces = {each.trace_id: trace(each.trace_id, "get_order") for each in before}
    traces |= {each.trace_id: trace(each.trace_id, "get_parcel") for each in since}
    found = differences(before, since, traces)
    assert [(each.what, each.value) for each in found] == [("tool", "get_order"), ("tool", "get_parcel")]


@pytest.mark.parametrize(("since", "told"), [(NEW, True), (("ada", "edsger"), False)])
def test_users_are_counted_and_not_named(since: tuple[str, str], *, told: bool) -> None:
    was = [replace(each, user_id=name) for each, name in zip(fail(2), OLD, strict=True)]
    now = [replace(each, user_id=name) for each, name in zip(fail(2, start=5), since, strict=True)]
    assert differences(was, now, {}) == ([Difference("user", "", 0, 2, 2, 2)] if told else [])


@pytest.mark.parametrize(("status", "n", "proved", "may"), [
    (Status.REGRESSED, 4, True, True),
    (Status.REGRESSED, 3, True, False),  # one of them is older than the proof
    (Status.REGRESSED, 4, False, False),
    (Status.ONGOING, 4, True, False),
])  # fmt: skip
def test_a_regressed_failure_gets_another_fix_after_three_more_sessions(
    status: Status, n: int, *, proved: bool, may: bool
) -> None:
    answered_at = NOW if proved else None
    assert may_mend_again(replace(MODE, status=status), fail(n), answered_at=[answered_at]) is may
