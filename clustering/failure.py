"""Failure: one occurrence of something that went wrong, anchored to a span."""

from dataclasses import dataclass
from datetime import datetime

#: Detectors whose failures are grouped whatever their key is: two tools may say the same, for one reason.
BY_WORDS = frozenset({"exhausted_retries", "tool_error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure that one detector saw. Identity: (trace_id, span_id, detector)."""

    trace_id: str
    #: The span that shows the failure.
    span_id: str
    #: Name of the detector that saw it, such as "error" or "policy".
    detector: str
    #: What kind of thing failed, stable across occurrences and free of ids: an exception type, a tool name, a rule.
    key: str
    #: What the trace itself says: the error's text, the user's comment. Hostile text: data, never instructions.
    message: str
    #: One plain sentence of ours that says why this counts as a failure.
    reason: str
    #: Aware, UTC.
    occurred_at: datetime
    service: str = ""
    session_id: str | None = None
    user_id: str | None = None
    #: The release that ran: service.version, or the commit where the trace has one.
    release: str | None = None
    #: Whose failure it is when failures are grouped: the agent that owns the service, else the service.
    owner: str = ""

    @property
    def identity(self) -> str:
        """Name this occurrence in one string: trace_id/span_id/detector."""
        return f"{self.trace_id}/{self.span_id}/{self.detector}"

    @property
    def structural_key(self) -> str:
        """What two failures must share to be grouped at all: `detector:key` and the owner."""
        return structural_key(self.detector, self.key, self.owner)

    @property
    def signature(self) -> tuple[str, str]:
        """What must not show again when a run that failed like this is replayed."""
        return (self.detector, self.key)


def structural_key(detector: str, key: str, owner: str = "") -> str:
    """Return `detector:key`, and the owner on a line of its own where there is one; of tools' errors no key."""
    told = f"{detector}:{'' if detector in BY_WORDS else key}"
    return f"{told}\n{owner}" if owner else told
