"""KeptRuns: what runs took, which constraints they met, and what the judge said of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.store import judgements, runs
from bot.store.judgements import Audited, AuditSpent, Judged
from bot.store.records import Records
from bot.store.transaction import writing
from clustering.audit_order import Candidate
from clustering.constraints import Check
from clustering.judgement import Judgement


class KeptRuns(Records):
    """What runs took, which constraints they met, and what the judge said of them."""

    def recent_measures(self, tenant: str, intents: Sequence[str]) -> dict[str, list[Mapping[str, float]]]:
        """Return, by intent, what its latest runs took."""
        with self.engine.connect() as connection:
            return {intent: runs.recent_measures(connection, tenant, intent) for intent in intents}

    def constraint_log(self, tenant: str, trace_id: str) -> list[Check]:
        """Return the constraints that a run met, in the order of its steps."""
        with self.engine.connect() as connection:
            return runs.constraint_log(connection, tenant, trace_id)

    def keep_judged(self, tenant: str, trace_id: str, judged: Judged) -> None:
        """Keep what the judge said of a run, once, and what that cost."""
        with writing(self.engine) as connection:
            judgements.keep_judged(connection, tenant, trace_id, judged, now=self._now())

    def judged_failed(self, tenant: str, trace_ids: Sequence[str]) -> dict[str, Judgement]:
        """Return what the judge said of those of these runs that only it saw fail, by trace."""
        with self.engine.connect() as connection:
            return judgements.judged_failed(connection, tenant, trace_ids)

    def audit_candidates(self, tenant: str, *, most: int) -> list[Candidate]:
        """Return the latest runs that the judge was not asked about."""
        with self.engine.connect() as connection:
            return judgements.candidates(connection, tenant, most=most)

    def audit_spent(self, tenant: str, *, since: datetime) -> AuditSpent:
        """Return what the judge has cost since a time."""
        with self.engine.connect() as connection:
            return judgements.audit_spent(connection, tenant, since=since)

    def audited(self, tenant: str) -> list[Audited]:
        """Return every run that the judge was asked about."""
        with self.engine.connect() as connection:
            return judgements.audited(connection, tenant)

    def count_unflagged(self, tenant: str) -> int:
        """Count the examined runs in which no detector saw a failure."""
        with self.engine.connect() as connection:
            return judgements.count_unflagged(connection, tenant)

    def found_by_judge(self, tenant: str, *, most: int) -> list[tuple[str, Judgement]]:
        """Return the latest failures that only the judge found: trace and judgement."""
        with self.engine.connect() as connection:
            return judgements.found_by_judge(connection, tenant, most=most)
