"""FailureMode: a kind of failure that people track from week to week."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from clustering.failure import structural_key


class Status(StrEnum):
    """Where a failure mode stands."""

    NEW = "new"
    ONGOING = "ongoing"
    REGRESSED = "regressed"
    RESOLVED = "resolved"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMode:
    """A group of failures with one cause, as far as the traces show. Its id outlives re-clustering."""

    id: str
    title: str
    status: Status
    detector: str
    #: What failed, the same for all members; see `clustering.failure.Failure.key`.
    key: str
    #: Mean of the members' embeddings, unit length, shape (n_features,), float32.
    centroid: npt.NDArray[np.float32]
    #: (trace_id, span_id) of the members nearest to the centroid, nearest first.
    exemplars: tuple[tuple[str, str], ...]
    n_traces: int
    n_sessions: int
    n_users: int
    #: Aware, UTC.
    first_seen: datetime
    last_seen: datetime
    #: The service of the most typical member.
    service: str = ""
    #: The agent that owns the services of all members, else their one service.
    owner: str = ""
    #: Ids of the modes that this one was split off from, or that went into it: what was said of them holds here too.
    ancestors: tuple[str, ...] = ()

    @property
    def structural_key(self) -> str:
        """What a failure must share to belong here, but for what people merged by hand."""
        return structural_key(self.detector, self.key, self.owner)
