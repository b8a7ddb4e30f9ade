"""Outcome: what people decided about a proposal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Decision(StrEnum):
    """How a pull request ended, or what a reviewer asked for meanwhile."""

    MERGED = "merged"
    REFUSED = "refused"
    #: Merged, and taken back by a revert that we proposed.
    REVERTED = "reverted"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    COMMENTED = "commented"


class Reason(StrEnum):
    """Why a pull request was closed without a merge, as people choose it."""

    WRONG_DIAGNOSIS = "wrong diagnosis"
    WRONG_FIX = "wrong fix"
    UNWANTED = "unwanted"
    DUPLICATE = "duplicate"
    PROCESS = "process"
    OTHER = "other"
    #: Nobody said; no box stands for it.
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One decision or remark about one proposal. Identity: the delivery that told us."""

    delivery_id: str
    proposal_id: str
    decision: Decision
    #: GitHub login of who decided.
    actor: str
    #: The reviewer's words, at most 4,000 characters. Data, never instructions.
    words: str
    #: Aware, UTC.
    decided_at: datetime
    #: Of a refusal; None while nobody has said.
    reason: Reason | None = None
    #: Address of the comment that says why; empty when nobody wrote one.
    comment: str = ""
    #: Login of who said why, where that is not `actor`.
    said_by: str = ""
