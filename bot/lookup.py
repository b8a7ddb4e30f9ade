"""Find a failure mode by its id, or by as much of its start as only one has."""

from bot.errors import UnknownFailureMode
from bot.store.store import Store
from clustering.failure_mode import FailureMode


def find_mode(store: Store, tenant: str, start: str) -> FailureMode:
    """Return the tenant's failure mode whose id is `start`, or the only one whose id begins with it.

    Raises
    ------
    UnknownFailureMode
        When there is none, or more than one.

    """
    found = [mode for mode in store.failure_modes(tenant) if start and mode.id.startswith(start)]
    exact = [mode for mode in found if mode.id == start]
    if len(exact or found) != 1:
        several = f"{len(found)} failure modes that begin with" if found else "no failure mode"
        raise UnknownFailureMode(f"tenant {tenant!r} has {several} {start!r}; `tracewright modes` lists them")
    return (exact or found)[0]
