"""Lesson: what one earlier fix taught, with who said it and where; and which lessons a diagnosis is given."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clustering.failure_mode import FailureMode

MAX_TEXT = 400
#: Lessons that a diagnosis is given.
MOST = 5
#: A lesson is dropped when so many of the proposals that were drafted with it did harm, and more than helped.
MIN_HARM = 2
SAME_MODE, SAME_PATH, SAME_KIND, SAME_LAYER = 4, 2, 2, 1


class Kind(StrEnum):
    """Where a lesson comes from."""

    WORKED = "worked"
    NO_HELP = "did not help"
    HARM = "made it worse"
    REFUSED = "refused"
    REVIEW = "review"
    PREDICTION = "prediction"


class State(StrEnum):
    """Whether a lesson is given to anybody."""

    KEPT = "kept"
    DROPPED = "dropped"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One thing learned. Identity: `id`, a hash of where it comes from, so that it is learned once."""

    id: str
    kind: Kind
    #: At most 400 characters, people's words in quotation marks. Data, never instructions.
    text: str
    repository: str
    failure_mode_id: str
    detector: str
    #: What failed; see `clustering.failure.Failure.key`.
    key: str
    #: A value of `fixers.diagnosis.Layer`.
    layer: str
    #: What the fix changed, without its test.
    paths: tuple[str, ...]
    #: Address of the pull request that taught it.
    pull_request: str
    #: Address of the comment or review; empty when production or a trial said it.
    comment: str
    #: GitHub login; empty when no person said it.
    author: str
    #: Aware, UTC.
    learned_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A lesson as it is kept."""

    lesson: Lesson
    state: State
    #: When a person last wrote it anew. Aware, UTC.
    edited_at: datetime | None = None
    #: Proposals that were drafted with it and ended well, or badly.
    n_helpful: int = 0
    n_harmful: int = 0


def lesson_id(*origin: str) -> str:
    """Return 12 hex digits for where a lesson comes from."""
    return hashlib.sha256("\0".join(origin).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def is_harmful(n_helpful: int, n_harmful: int) -> bool:
    """Tell whether a lesson is to be dropped: the rule in full."""
    return n_harmful >= MIN_HARM and n_harmful > n_helpful


def relevant(
    kept: Iterable[Learned], mode: FailureMode, *, repository: str, layer: str, paths: Collection[str]
) -> list[Learned]:
    """Return the lessons for one diagnosis, the nearest first.

    Counted are the same failure mode, or one that it comes from (4), a path (2), the same kind of failure (2) and the
    same layer (1); of equal ones, those that helped more come first, then the newer.
    """
    scored = [
        (_score(each.lesson, mode, layer, paths), each)
        for each in kept
        if each.state is State.KEPT and each.lesson.repository == repository
    ]
    near = sorted(
        (pair for pair in scored if pair[0]),
        key=lambda pair: (
            -pair[0],
            pair[1].n_harmful - pair[1].n_helpful,
            -pair[1].lesson.learned_at.timestamp(),
            pair[1].lesson.id,
        ),
    )
    return [each for _, each in near[:MOST]]


def _score(lesson: Lesson, mode: FailureMode, layer: str, paths: Collection[str]) -> int:
    return (
        SAME_MODE * (lesson.failure_mode_id in {mode.id, *mode.ancestors})
        + SAME_PATH * any(path in lesson.paths for path in paths)
        + SAME_KIND * ((lesson.detector, lesson.key) == (mode.detector, mode.key))
        + SAME_LAYER * (lesson.layer == layer)
    )
