"""A store that failures are put into one by one, as if their traces had been examined."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.group import group, itself
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from tests.unit.bot.kept_trace import keep_trace
from tests.unit.clustering.runs import START, Run, WordEncoder, make_failure

TENANT = "local"
ENCODER = WordEncoder()
BALANCE = "insufficient balance on the card of the customer"
METHOD = "payment method is not known to our shop"


class Grouped:
    """Failures in, failure modes out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner_of = itself
        self.n = 0
        self.restart()

    def restart(self) -> None:
        """Open the database anew, as another process does."""
        url = f"sqlite:///{self.folder / 'tracewright.db'}"
        self.store = Store(open_engine(url), now=lambda: START + timedelta(days=1), min_free_bytes=0)

    def fail(self, message: str, times: int = 1, **fields: object) -> list[Failure]:
        """Keep failures with this message, each in a trace of its own."""
        return [self._fail(message, fields) for _ in range(times)]

    def group(self) -> list[FailureMode]:
        """Group everything; return the failure modes that have failures."""
        group(self.store, TENANT, encoder=ENCODER, owner_of=self.owner_of)
        return self.modes

    @property
    def modes(self) -> list[FailureMode]:
        """The failure modes that have failures, the largest first."""
        return [mode for mode in self.store.failure_modes(TENANT) if mode.n_traces]

    def places(self, failures: Sequence[Failure]) -> list[str]:
        """Return the failure mode of each."""
        members = self.store.members(TENANT)
        return [members[failure.trace_id, failure.span_id, failure.detector] for failure in failures]  # type: ignore[index]  # equal to a FailureId

    def _fail(self, message: str, fields: dict[str, object]) -> Failure:
        self.n += 1
        run = Run(trace_id=f"{self.n:032x}")
        run.agent()
        values: dict[str, object] = {"trace_id": run.trace_id, "message": message, "service": "shop"}
        failure = replace(make_failure(self.n), **(values | fields))
        self.store.save_examined(TENANT, keep_trace(self.store, TENANT, run.trace), [failure])
        return failure
