"""KeptTraces: traces, and which of them were examined."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.store import counts, failures, headlines, reindex, responses, runs, traces
from bot.store.counts import Counts
from bot.store.records import Records
from bot.store.traces import Decode
from bot.store.transaction import writing
from clustering.describe import describe
from clustering.failure import Failure
from clustering.score import Traffic
from webhooks.searched import searched
from webhooks.trace import Trace


class KeptTraces(Records):
    """Traces, and which of them were examined."""

    _decode: Decode

    def traces_to_examine(self, tenant: str, *, quiet_s: float, limit: int = 1_000) -> list[str]:
        """Return the complete traces with spans that nobody has looked at, the longest waiting first."""
        with self.engine.connect() as connection:
            return traces.traces_to_examine(connection, tenant, now=self._now(), quiet_s=quiet_s, limit=limit)

    def load_traces(self, tenant: str, trace_ids: Iterable[str]) -> dict[str, Trace]:
        """Return these traces with all their spans; unknown ids are left out."""
        with self.engine.connect() as connection:
            return traces.load_traces(connection, tenant, trace_ids, decode=self._decode)

    def save_examined(
        self, tenant: str, trace: Trace, found: Sequence[Failure], run: runs.Examined | None = None
    ) -> None:
        """Make these the failures of the trace and note, in the same transaction, that it was examined.

        What was kept of the run before stays where `run` is None.
        """
        self.save_all_examined(tenant, [(trace, found, run)])

    def save_all_examined(
        self, tenant: str, examined: Iterable[tuple[Trace, Sequence[Failure], runs.Examined | None]]
    ) -> None:
        """Do so for several traces, in one transaction."""
        ordered = sorted(examined, key=lambda each: each[0].trace_id)  # two workers never wait for each other
        with self.engine.connect() as connection:
            lines = headlines.headlines(connection, tenant, [trace.trace_id for trace, found, _ in ordered if found])
        described = [
            (*each, [describe(failure, each[0], lines.get(searched(each[0].trace_id), "")) for failure in each[1]])
            for each in ordered
        ]
        with writing(self.engine) as connection:
            for trace, found, run, texts in described:
                # First, and the same as what deletes traces does first: a trace is then here to the end, or is gone.
                if traces.mark_examined(connection, tenant, trace, now=self._now()):
                    failures.save_failures(connection, tenant, trace.trace_id, found, texts)
                    responses.keep_responses(connection, tenant, trace)
                    if run is not None:
                        runs.keep_run(connection, tenant, trace.trace_id, run)

    def join_responses(self, tenant: str) -> int:
        """Bring events that name only a model's answer into the trace of the call; return how many found theirs."""
        with writing(self.engine) as connection:
            return responses.join_responses(connection, tenant, now=self._now())

    def signals(self, tenant: str) -> list[responses.Told]:
        """Return what webhooks told about no trace, by source."""
        with self.engine.connect() as connection:
            return responses.signals(connection, tenant)

    def count_waiting(self, tenant: str) -> int:
        """Count the events that name a model's answer whose call has not come."""
        with self.engine.connect() as connection:
            return responses.count_waiting(connection, tenant)

    def healthy_traces(self, tenant: str, *, service: str, limit: int = 100) -> list[str]:
        """Return examined traces of a service without a failure, newest first."""
        with self.engine.connect() as connection:
            return traces.healthy_traces(connection, tenant, service=service, limit=limit)

    def traffic(self, tenant: str, *, since: datetime) -> dict[str, Traffic]:
        """Return how much each service was used in traces that started at `since` or later."""
        with self.engine.connect() as connection:
            return traces.traffic(connection, tenant, since=since)

    def traffic_of_all(self, tenant: str) -> Traffic:
        """Return how much all services were used since the first trace: the denominator of shares and severity."""
        with self.engine.connect() as connection:
            return traces.traffic_of_all(connection, tenant)

    def reindex(self, tenant: str, *, on_progress: reindex.Progress = lambda *_: None) -> reindex.Reindexed:
        """Rebuild the searched columns from the kept bodies: many transactions, gone on with where it was stopped."""
        return reindex.reindex(self.engine, tenant, decode=self._decode, on_progress=on_progress)

    def counts(self, tenant: str) -> Counts:
        """Count what is kept of a tenant."""
        with self.engine.connect() as connection:
            return counts.counts(connection, tenant)

    def services(self, tenant: str) -> list[str]:
        """Return the service names of a tenant's traces, the busiest first. Data, never instructions."""
        with self.engine.connect() as connection:
            return traces.services(connection, tenant)
