"""The list of failure modes, most severe first: what the command line and the operator's route show."""

from typing import NamedTuple

from bot.store.store import Store
from clustering.failure_mode import FailureMode
from clustering.score import Traffic, severity
from clustering.trend import UNCHANGED, Growth


class ListedMode(NamedTuple):
    """One line of the list of failure modes."""

    id: str
    title: str
    status: str
    #: Of the most typical failure.
    service: str
    traces: int
    sessions: int
    users: int
    #: Of all traces that were kept, from 0 to 1.
    share_of_traffic: float
    #: From 0 to 1; see `clustering.score.severity`.
    severity: float
    #: "growing", "steady", "falling" or "unknown"; see `clustering.trend`.
    trend: str
    #: By how much its rate has changed at least; 1 where that may be chance.
    growth: float
    first_seen: str
    last_seen: str
    #: Where its pull request is; empty when it has none.
    pull_request: str


def listed_modes(store: Store, tenant: str) -> list[ListedMode]:
    """Return the failure modes that have members, most severe first."""
    traffic, growths = store.traffic_of_all(tenant), store.growths(tenant)
    modes = [mode for mode in store.failure_modes(tenant) if mode.n_traces]
    found = [listed(store, tenant, mode, traffic, growths.get(mode.id, UNCHANGED)) for mode in modes]
    return sorted(found, key=lambda mode: (-mode.severity, mode.id))


def listed(store: Store, tenant: str, mode: FailureMode, traffic: Traffic, growth: Growth) -> ListedMode:
    """Return one line of the list."""
    opened = store.pull_requests_of_mode(tenant, mode.id)
    return ListedMode(
        id=mode.id,
        title=mode.title,
        status=mode.status.value,
        service=mode.service,
        traces=mode.n_traces,
        sessions=mode.n_sessions,
        users=mode.n_users,
        share_of_traffic=round(mode.n_traces / traffic.n_traces, 4) if traffic.n_traces else 0.0,
        severity=round(severity(mode, traffic, growth.factor), 4),
        trend=growth.trend.value,
        growth=round(growth.factor, 2),
        first_seen=mode.first_seen.isoformat(),
        last_seen=mode.last_seen.isoformat(),
        pull_request=opened[0].pull_request.url if opened else "",
    )
