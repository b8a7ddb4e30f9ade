"""Lessons: what earlier fixes taught, and which proposals were drafted with it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.lesson import Learned, Lesson, State
from bot.store.codec import from_json, to_json
from bot.store.columns import moment
from webhooks.searched import microseconds

_LEARN = sa.text("""
    INSERT INTO lessons (tenant, lesson_id, state, learned_at, record)
    VALUES (:tenant, :lesson_id, 'kept', :learned_at, :record)
    ON CONFLICT (tenant, lesson_id) DO NOTHING
""")
_ALL = sa.text("""
    SELECT lesson_id, state, edited_at, record FROM lessons WHERE tenant = :tenant ORDER BY learned_at, lesson_id
""")
_SET_STATE = sa.text("UPDATE lessons SET state = :state WHERE tenant = :tenant AND lesson_id = :lesson_id")
_REWRITE = sa.text("""
    UPDATE lessons SET record = :record, edited_at = :now, state = 'kept'
    WHERE tenant = :tenant AND lesson_id = :lesson_id
""")
_USE = sa.text("""
    INSERT INTO lesson_uses (tenant, lesson_id, proposal_id) VALUES (:tenant, :lesson_id, :proposal_id)
    ON CONFLICT (tenant, lesson_id, proposal_id) DO NOTHING
""")
_USES = sa.text("SELECT lesson_id, proposal_id FROM lesson_uses WHERE tenant = :tenant ORDER BY lesson_id, proposal_id")
_FORGET_USES = sa.text("DELETE FROM lesson_uses WHERE tenant = :tenant AND lesson_id = :lesson_id")


def learn(connection: sa.Connection, tenant: str, lesson: Lesson) -> bool:
    """Keep a lesson; False when it is known, edited or deleted already."""
    row = {
        "tenant": tenant,
        "lesson_id": lesson.id,
        "learned_at": microseconds(lesson.learned_at),
        "record": to_json(lesson),
    }
    return connection.execute(_LEARN, row).rowcount > 0


def lessons(connection: sa.Connection, tenant: str) -> list[Learned]:
    """Return every lesson, oldest first, the dropped and the deleted too; their counts are not kept here."""
    return [_learned(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def set_lesson_state(connection: sa.Connection, tenant: str, lesson_id: str, state: State) -> None:
    """Note whether a lesson is given to anybody."""
    connection.execute(_SET_STATE, {"tenant": tenant, "lesson_id": lesson_id, "state": state})


def rewrite_lesson(connection: sa.Connection, tenant: str, lesson: Lesson, *, now: datetime) -> None:
    """Keep a lesson in a person's words; what was drafted with the former ones no longer counts."""
    key = {"tenant": tenant, "lesson_id": lesson.id}
    connection.execute(_REWRITE, {**key, "record": to_json(lesson), "now": microseconds(now)})
    connection.execute(_FORGET_USES, key)


def use_lessons(connection: sa.Connection, tenant: str, lesson_ids: Iterable[str], *, proposal_id: str) -> None:
    """Note with which lessons a proposal was drafted."""
    for lesson_id in lesson_ids:
        connection.execute(_USE, {"tenant": tenant, "lesson_id": lesson_id, "proposal_id": proposal_id})


def lesson_uses(connection: sa.Connection, tenant: str) -> dict[str, list[str]]:
    """Return the proposals that were drafted with each lesson, by lesson id."""
    found: dict[str, list[str]] = {}
    for lesson_id, proposal_id in connection.execute(_USES, {"tenant": tenant}):
        found.setdefault(lesson_id, []).append(proposal_id)
    return found


def _learned(row: sa.Row[Any]) -> Learned:
    return Learned(
        lesson=from_json(Lesson, row.record),
        state=State(row.state),
        edited_at=None if row.edited_at is None else moment(row.edited_at),
    )
