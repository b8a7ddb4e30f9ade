"""KeptLessons: what earlier fixes taught, and where the thresholds stand that move by a rule."""

from collections.abc import Sequence

from bot.lesson import Learned, Lesson, State
from bot.store import lessons, thresholds
from bot.store.records import Records
from bot.store.thresholds import Threshold
from bot.store.transaction import writing


class KeptLessons(Records):
    """What earlier fixes taught, which proposals were drafted with it, and where thresholds stand."""

    def learn(self, tenant: str, lesson: Lesson) -> bool:
        """Keep a lesson; False when it is known, edited or deleted already."""
        with writing(self.engine) as connection:
            return lessons.learn(connection, tenant, lesson)

    def lessons(self, tenant: str) -> list[Learned]:
        """Return every lesson, oldest first, the dropped and the deleted too; their counts are `bot.learn`'s."""
        with self.engine.connect() as connection:
            return lessons.lessons(connection, tenant)

    def set_lesson_state(self, tenant: str, lesson_id: str, state: State) -> None:
        """Note whether a lesson is given to anybody."""
        with writing(self.engine) as connection:
            lessons.set_lesson_state(connection, tenant, lesson_id, state)

    def rewrite_lesson(self, tenant: str, lesson: Lesson) -> None:
        """Keep a lesson in a person's words; what was drafted with the former ones no longer counts."""
        with writing(self.engine) as connection:
            lessons.rewrite_lesson(connection, tenant, lesson, now=self._now())

    def use_lessons(self, tenant: str, lesson_ids: Sequence[str], *, proposal_id: str) -> None:
        """Note with which lessons a proposal was drafted."""
        with writing(self.engine) as connection:
            lessons.use_lessons(connection, tenant, lesson_ids, proposal_id=proposal_id)

    def lesson_uses(self, tenant: str) -> dict[str, list[str]]:
        """Return the proposals that were drafted with each lesson, by lesson id."""
        with self.engine.connect() as connection:
            return lessons.lesson_uses(connection, tenant)

    def note_threshold(self, tenant: str, threshold: Threshold) -> bool:
        """Note where a threshold stands; False when it stood there already."""
        with writing(self.engine) as connection:
            return thresholds.note_threshold(connection, tenant, threshold)

    def thresholds(self, tenant: str) -> list[Threshold]:
        """Return every move of every threshold, those of one together, oldest first."""
        with self.engine.connect() as connection:
            return thresholds.thresholds(connection, tenant)
