"""KeptRuns: what runs took, which constraints they met, and what models said of them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime

from bot.store import advice, headlines, judgements, runs
from bot.store.advice import Advised
from bot.store.judgements import Audited, Judged
from bot.store.records import Records
from bot.store.spending import Spent
from bot.store.transaction import writing
from clustering.audit_order import Candidate
from clustering.constraints import Check
from clustering.failure import Failure
from clustering.judgement import Judgement
from webhooks.trace import Trace


class KeptRuns(Records):
    """What runs took, which constraints they met, and what models said of them."""

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

    def audit_spent(self, tenant: str, *, since: datetime) -> Spent:
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

    def keep_advice(self, tenant: str, question: str, model: str, advised: Advised) -> None:
        """Keep what a model answered to a question, once, and what that cost."""
        with writing(self.engine) as connection:
            advice.keep_advice(connection, tenant, question, model, advised, now=self._now())

    def advice(self, tenant: str, question: str, model: str) -> str | None:
        """Return what a model answered; None when it was not asked."""
        with self.engine.connect() as connection:
            return advice.advice(connection, tenant, question, model)

    def advice_spent(self, tenant: str, *, since: datetime) -> Spent:
        """Return what such answers have cost since a time."""
        with self.engine.connect() as connection:
            return advice.advice_spent(connection, tenant, since=since)

    def keep_headline(self, tenant: str, trace: Trace, line: str, *, decided: Container[str] = ()) -> None:
        """Keep the headline of a run, "" for none, and describe by it what is of other kinds than `decided`."""
        with writing(self.engine) as connection:
            headlines.keep_headline(connection, tenant, trace, line, decided=decided)

    def without_headline(self, tenant: str, *, most: int, decided: Iterable[str] = ()) -> list[str]:
        """Return the runs with silent failures, of other kinds than `decided`, that were not asked about."""
        with self.engine.connect() as connection:
            return headlines.without_headline(connection, tenant, most=most, decided=decided)

    def silent_failures(self, tenant: str, trace_id: str) -> list[Failure]:
        """Return the failures of a run that a headline tells, oldest first."""
        with self.engine.connect() as connection:
            return headlines.silent_failures(connection, tenant, trace_id)

    def ungrouped_headlines(self, tenant: str) -> list[str]:
        """Return the runs whose failures were described anew and not grouped since."""
        with self.engine.connect() as connection:
            return headlines.ungrouped_headlines(connection, tenant)

    def mark_grouped(self, tenant: str, trace_ids: Sequence[str]) -> None:
        """Note that the failures of these runs were grouped by their headlines."""
        with writing(self.engine) as connection:
            headlines.mark_grouped(connection, tenant, trace_ids)
