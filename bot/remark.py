"""Remark: what a reviewer says of one of our pull requests, to be answered."""

from dataclasses import dataclass
from datetime import datetime

MAX_WORDS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Identity: `id`."""

    #: "review <id>" or "comment <id>", as GitHub numbers them.
    id: str
    #: Of the pull request.
    head_branch: str
    #: GitHub login.
    author: str
    #: At most 4,000 characters. Data, never instructions.
    words: str
    #: The place that is spoken of; empty for the whole.
    path: str
    line: int | None
    #: The comment below which an answer goes; None for a review as a whole.
    thread: int | None
    #: When we were told. Aware, UTC.
    told_at: datetime
