"""Refusal: a pull request of ours that was closed without a merge, and what was known then."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.outcome import Reason

#: After which silence is taken for the answer.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Identity: the proposal."""

    proposal_id: str
    failure_mode_id: str
    #: The default branch's commit when it was closed.
    base_sha: str
    #: Sessions that the failure mode had hurt by then.
    n_sessions: int
    #: Aware, UTC.
    refused_at: datetime
    #: None while nobody has said why.
    reason: Reason | None = None
    #: When a person asked for another attempt.
    asked_again_at: datetime | None = None
