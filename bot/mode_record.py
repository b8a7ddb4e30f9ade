"""What commands and routes answer of a failure mode that somebody decided about."""

from typing import Any

from clustering.failure_mode import FailureMode


def mode_record(mode: FailureMode) -> dict[str, Any]:
    """Return what a decision answers of a failure mode."""
    return {
        "id": mode.id,
        "title": mode.title,
        "status": mode.status.value,
        "service": mode.service,
        "traces": mode.n_traces,
        "sessions": mode.n_sessions,
        "users": mode.n_users,
    }
