from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from clustering.failure import Failure
from clustering.failure_mode import Status
from clustering.modes import ModeUpdate, extend_modes, update_modes
from tests.unit.clustering.runs import WordEncoder, make_failure

Update = Callable[..., ModeUpdate]
UNKNOWN = "order <id> is unknown to the shop"
REFUNDED = "this was refunded long ago already"


@pytest.fixture
def update(encoder: WordEncoder) -> Update:
    def run(failures: list[Failure], texts: list[str], earlier: ModeUpdate | None = None) -> ModeUpdate:
        modes, members = earlier or ((), {})
        return update_modes(failures, texts, encoder.encode(texts), previous=modes, members=members)

    return run


def with_status(updated: ModeUpdate, status: Status) -> ModeUpdate:
    return updated._replace(modes=[replace(mode, status=status) for mode in updated.modes])


def test_a_mode_counts_traces_sessions_and_users_once(update: Update) -> None:
    failures = [
        make_failure(1),
        make_failure(2),
        make_failure(3, session_id="s2"),
        make_failure(3, span_id="02", user_id=None),
    ]
    (mode,) = update(failures, [UNKNOWN] * 4).modes
    assert (mode.n_traces, mode.n_sessions, mode.n_users) == (3, 3, 2)
    assert (mode.first_seen, mode.last_seen) == (failures[0].occurred_at, failures[2].occurred_at)
    assert mode.status is Status.NEW


def test_every_failure_is_a_member_of_a_mode(update: Update) -> None:
    failures = [make_failure(n) for n in range(4)]
    modes, members = update(failures, [UNKNOWN, REFUNDED, UNKNOWN, REFUNDED])
    assert [members[failure.identity] for failure in failures] == [modes[0].id, modes[1].id] * 2


def test_the_same_run_again_changes_nothing(update: Update) -> None:
    failures, texts = [make_failure(n) for n in range(4)], [UNKNOWN, REFUNDED] * 2
    first = update(failures, texts)
    again = update(failures, texts, first)
    assert [(m.id, m.status, m.title, m.exemplars) for m in again.modes] == [
        (m.id, m.status, m.title, m.exemplars) for m in first.modes
    ]
    assert again.members == first.members


def test_a_mode_keeps_its_id_and_title_when_failures_join_and_is_ongoing(update: Update) -> None:
    first = update([make_failure(1)], [UNKNOWN])
    later = update([make_failure(2), make_failure(1)], [UNKNOWN + " today", UNKNOWN], first)
    assert [(mode.id, mode.title) for mode in later.modes] == [(first.modes[0].id, first.modes[0].title)]
    assert later.modes[0].status is Status.ONGOING


def test_a_mode_keeps_its_id_when_all_its_old_failures_are_gone(update: Update) -> None:
    first = update([make_failure(1)], [UNKNOWN])
    later = update([make_failure(2)], [UNKNOWN], first)
    assert [mode.id for mode in later.modes] == [first.modes[0].id]


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.RESOLVED, Status.REGRESSED),
        (Status.ARCHIVED, Status.ARCHIVED),
        (Status.REGRESSED, Status.REGRESSED),
        (Status.ONGOING, Status.ONGOING),
    ],
)
def test_where_a_mode_stands_after_it_showed_again(update: Update, status: Status, after: Status) -> None:
    first = with_status(update([make_failure(1)], [UNKNOWN]), status)
    later = update([make_failure(1), make_failure(2)], [UNKNOWN] * 2, first)
    assert [mode.status for mode in later.modes] == [after]


def test_a_late_report_of_an_old_failure_is_no_regression(update: Update) -> None:
    first = with_status(update([make_failure(5)], [UNKNOWN]), Status.RESOLVED)
    later = update([make_failure(5), make_failure(2)], [UNKNOWN] * 2, first)
    assert [mode.status for mode in later.modes] == [Status.RESOLVED]


def test_a_split_leaves_the_id_with_the_larger_part(update: Update) -> None:
    failures = [make_failure(n) for n in range(5)]
    first = update(failures, [UNKNOWN] * 5)
    split = update(failures, [REFUNDED, REFUNDED, UNKNOWN, UNKNOWN, UNKNOWN], first)
    assert split.modes[0].id == first.modes[0].id == split.members[failures[4].identity]
    assert len({mode.id for mode in split.modes}) == 2  # although the new one holds the member the old id is made of


def test_a_mode_is_not_called_by_what_was_split_off_from_it(update: Update) -> None:
    failures = [make_failure(n) for n in range(5)]
    first = update(failures, [UNKNOWN] * 5)
    kept, part = update(failures, [UNKNOWN, UNKNOWN, REFUNDED, REFUNDED, REFUNDED], first).modes
    assert (kept.id, kept.n_traces) == (first.modes[0].id, 3)
    assert "refunded" in kept.title
    assert part.title == first.modes[0].title


def test_a_mode_that_something_else_splits_off_from_keeps_its_title(update: Update) -> None:
    failures = [make_failure(n) for n in range(5)]
    first = update(failures, [UNKNOWN] * 5)
    called = first._replace(modes=[replace(first.modes[0], title="Orders get lost")])
    kept, _ = update(failures, [UNKNOWN, UNKNOWN, UNKNOWN, REFUNDED, REFUNDED], called).modes
    assert kept.title == "Orders get lost"


def test_what_splits_off_from_an_archived_mode_is_archived(update: Update) -> None:
    failures = [make_failure(n) for n in range(5)]
    first = with_status(update(failures, [UNKNOWN] * 5), Status.ARCHIVED)
    split = update(failures, [REFUNDED, REFUNDED, UNKNOWN, UNKNOWN, UNKNOWN], first)
    assert [mode.status for mode in split.modes] == [Status.ARCHIVED] * 2


def test_a_merge_empties_the_smaller_mode_and_keeps_its_record(update: Update) -> None:
    failures = [make_failure(n) for n in range(3)]
    first = update(failures, [UNKNOWN, REFUNDED, UNKNOWN])
    merged = update(failures, [UNKNOWN] * 3, first)
    assert [(mode.id, mode.n_traces) for mode in merged.modes] == [(first.modes[0].id, 3), (first.modes[1].id, 0)]


def test_a_mode_without_failures_of_today_is_returned_as_it_was(update: Update) -> None:
    first = update([make_failure(1)], [UNKNOWN])
    later = update([make_failure(2, key="KeyError")], [UNKNOWN], first)
    assert later.modes[0] is first.modes[0]
    assert update([make_failure(2, key="KeyError")], [UNKNOWN], later).modes[0] is first.modes[0]


def test_new_ids_do_not_depend_on_the_order_of_the_failures(update: Update) -> None:
    failures = [make_failure(n) for n in range(3)]
    forwards, backwards = update(failures, [UNKNOWN] * 3), update(failures[::-1], [UNKNOWN] * 3)
    assert forwards.modes[0].id == backwards.modes[0].id


def test_exemplars_are_of_different_traces_the_latest_of_equals_first(update: Update) -> None:
    failures = [make_failure(n) for n in range(8)] + [
        make_failure(7, span_id="02", occurred_at=make_failure(7).occurred_at)
    ]
    (mode,) = update(failures, [UNKNOWN] * 9).modes
    assert [trace_id for trace_id, _ in mode.exemplars] == ["t7", "t6", "t5", "t4", "t3"]


def test_two_modes_are_matched_to_the_nearer_of_two_clusters(update: Update) -> None:
    first = update([make_failure(1), make_failure(2)], [UNKNOWN, REFUNDED])
    gone = timedelta(days=1)
    fresh = [make_failure(n, occurred_at=make_failure(n).occurred_at + gone) for n in (3, 4)]
    later = update(fresh, [REFUNDED, UNKNOWN], first)
    assert later.members == {fresh[0].identity: first.modes[1].id, fresh[1].identity: first.modes[0].id}


def test_nothing_in_is_nothing_out(encoder: WordEncoder) -> None:
    assert update_modes([], [], encoder.encode([""])[:0]) == ([], {})


def extended(encoder: WordEncoder, failures: list[Failure], texts: list[str], earlier: ModeUpdate) -> ModeUpdate | None:
    return extend_modes(failures, texts, encoder.encode(texts), previous=earlier.modes, members=earlier.members)


def test_a_new_failure_near_a_known_mode_joins_it_without_a_regrouping(update: Update, encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(4)]
    first = update(failures[:3], [UNKNOWN, REFUNDED, UNKNOWN])
    later = extended(encoder, failures, [UNKNOWN, REFUNDED, UNKNOWN, UNKNOWN], first)
    assert later is not None
    assert later.members == {**first.members, failures[3].identity: first.modes[0].id}
    assert [(mode.id, mode.n_traces) for mode in later.modes] == [(first.modes[0].id, 3), (first.modes[1].id, 1)]
    assert (later.modes[0].status, later.modes[1].status) == (Status.ONGOING, Status.NEW)
    assert later.modes[0].last_seen == failures[3].occurred_at


def test_a_new_failure_near_no_mode_asks_for_a_regrouping(update: Update, encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(2)]
    first = update(failures[:1], [UNKNOWN])
    assert extended(encoder, failures, [UNKNOWN, REFUNDED], first) is None


def test_a_failure_that_is_gone_asks_for_a_regrouping(update: Update, encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(2)]
    first = update(failures, [UNKNOWN] * 2)
    assert extended(encoder, failures[1:], [UNKNOWN], first) is None


def test_a_resolved_mode_that_a_new_failure_joins_has_regressed(update: Update, encoder: WordEncoder) -> None:
    failures = [make_failure(n) for n in range(2)]
    first = with_status(update(failures[:1], [UNKNOWN]), Status.RESOLVED)
    later = extended(encoder, failures, [UNKNOWN] * 2, first)
    assert later is not None
    assert [mode.status for mode in later.modes] == [Status.REGRESSED]
