"""Proof: what production says of one merged fix."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fixers.aftermath import Answer, Exposure, Score
from fixers.expected import Expected


class Basis(StrEnum):
    """How runs with the fix were told from runs without it."""

    RELEASE = "release"
    DEPLOYMENT = "time of deployment"
    MERGE = "time of merge"
    #: The repository tells its deployments, and none holds the fix yet.
    NOT_DEPLOYED = "deployments, of which none has the fix yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known by now; kept once for each proposal, and replaced until it is final."""

    proposal_id: str
    #: The commit that brought the fix to the default branch.
    merge_sha: str
    #: Aware, UTC.
    merged_at: datetime
    answer: Answer
    before: Exposure
    after: Exposure
    basis: Basis
    #: Of the runs that were predicted to be fixed, as they were replayed.
    predicted: Score
    #: The rate that was foretold for runs with the fix; None where nothing told.
    expected: Expected | None = None
    #: When a sound answer was first given; None while there is too little traffic.
    answered_at: datetime | None = None
    #: Whether the last word was said.
    is_final: bool = False
    #: When people were told that the failure is back, with what is different; None while it is not.
    came_back_at: datetime | None = None

    @property
    def is_as_expected(self) -> bool | None:
        """Whether the rate with the fix lies where it was foretold; None while that cannot be told."""
        return self.expected.holds(self.after) if self.expected else None
