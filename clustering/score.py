"""Score how severe a failure mode is by whom it reaches, not by how often it was logged."""

import math
from dataclasses import dataclass

from clustering.failure_mode import FailureMode

# How much of a session such a failure costs; a kind that is not listed costs half.
COST = {
    "error": 1.0,
    "policy": 1.0,
    "empty_answer": 0.9,
    "negative_feedback": 0.8,
    "tool_result_mismatch": 0.8,
    "limit": 0.7,
    "lost_system_prompt": 0.7,
    "tool_error": 0.5,
    "repeated_call": 0.3,
    "provider_error": 1.0,
    "unbacked_claim": 0.9,
    "contradiction": 0.9,
    "ignored_error": 0.9,
    "judge": 0.8,
    "unkept_promise": 0.8,
    "abandoned": 0.9,
    "ungrounded_argument": 0.8,
    "lost_tool_result": 0.8,
    "invalid_output": 0.7,
    "truncated_answer": 0.7,
    "no_progress": 0.3,
    "loop": 0.3,
    "outlier": 0.3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What ran in the time that a failure mode was watched, healthy or not."""

    n_traces: int
    n_sessions: int
    n_users: int


#: A trend counts for up to twice, or half, the severity.
MAX_GROWTH = 2.0


def severity(mode: FailureMode, traffic: Traffic, growth: float = 1.0) -> float:
    """Return a number from 0 to 1 to rank failure modes by.

    cost(detector) · √(share of sessions · share of users). A loop in one session scores as one session, and one user
    in half of all sessions less than a tenth of the users in a tenth of them. Where the mode has no session or no
    user, since they are not recorded, the other share counts alone; where it has neither, the share of traces.

    Parameters
    ----------
    growth
        From `clustering.trend`: what grows by it for sure counts for so much more, and what falls for less.

    """
    pairs = ((mode.n_sessions, traffic.n_sessions), (mode.n_users, traffic.n_users))
    shares = [_share(n, total) for n, total in pairs if n > 0 and total > 0] or [
        _share(mode.n_traces, traffic.n_traces)
    ]
    steady = COST.get(mode.detector, 0.5) * math.prod(shares) ** (1 / len(shares))
    return 1.0 - math.pow(1.0 - steady, min(max(growth, 1 / MAX_GROWTH), MAX_GROWTH))


def _share(n: int, total: int) -> float:
    return min(1.0, n / total) if total > 0 else 0.0
