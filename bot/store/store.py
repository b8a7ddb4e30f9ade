"""Store: everything that is kept, each method one transaction. The rooms around it see no SQL."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.outcome import Outcome, Reason
from bot.proof import Proof
from bot.pull_request import PullRequest
from bot.refusal import Refusal
from bot.remark import Remark
from bot.store import (
    batches,
    counts,
    days,
    deliveries,
    disk,
    everything,
    examples,
    failure_modes,
    failures,
    grouping,
    installations,
    keys,
    notes,
    outcomes,
    proofs,
    proposals,
    prune,
    pull_requests,
    quarantine,
    refusals,
    reindex,
    remarks,
    replaced,
    repositories,
    responses,
    size,
    spending,
    traces,
    verdicts,
    waiting,
    wishes,
)
from bot.store.counts import Counts
from bot.store.dialects import decode_body
from bot.store.embeddings import EmbeddingCache
from bot.store.failures import FailureId
from bot.store.group_commit import GroupCommit
from bot.store.grouping import Move, Sampled
from bot.store.keys import Key
from bot.store.known_keys import Access, KnownKeys
from bot.store.migrate import migrate
from bot.store.proofs import Deployment, Runs
from bot.store.prune import Pruned, Rest
from bot.store.pull_requests import Opened
from bot.store.quarantine import Quarantined
from bot.store.replaced import Replaced
from bot.store.repositories import Told
from bot.store.size import Hour, Size
from bot.store.spending import Spent
from bot.store.traces import Decode
from bot.store.transaction import writing
from bot.store.turn import turn
from bot.store.verdicts import RecordedVerdict
from bot.store.waiting import Waiting
from clustering.describe import describe
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic
from clustering.wish import Wish
from fixers.evidence import Evidence
from fixers.proposal import Proposal
from webhooks.errors import Unavailable
from webhooks.github import Delivery
from webhooks.inbox import Batch
from webhooks.trace import Trace


class Store:
    """The records of all tenants; every method but the few that say so sees those of one tenant only.

    Satisfies `webhooks.inbox.Inbox`. Every write may be repeated with the same arguments.

    Parameters
    ----------
    engine
        From `bot.store.engine.open_engine`; the schema is brought up to date here.
    now
        The clock.
    decode
        Reads a kept body again, by dialect.
    min_free_bytes
        Space that must stay free on the disk of a SQLite database; with less, nothing more is accepted.

    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        now: Callable[[], datetime],
        decode: Decode = decode_body,
        min_free_bytes: int = disk.MIN_FREE_BYTES,
    ) -> None:
        migrate(engine)
        self.engine = engine
        self._now = now
        self._decode = decode
        self._min_free_bytes = min_free_bytes
        self._known_keys = KnownKeys(now=now)
        self._replaced = Replaced()
        self._batches = GroupCommit(self._commit_batches)

    def close(self) -> None:
        """Commit what waits, refuse what comes later, and close the connections."""
        self._batches.close()
        self.engine.dispose()

    def turn(self, name: str) -> AbstractContextManager[None]:
        """Return a context in which no other worker is, nor another thread, that asked for the same name."""
        return turn(self.engine, name)

    # What arrives. These four are `webhooks.inbox.Inbox`.

    def tenant_of(self, key: str) -> str | None:
        """Return the tenant that an ingestion key belongs to, or None for an unknown or revoked key."""
        access = self._known_keys.access(key, self._look_up_key)
        return access.tenant if access else None

    def services_of(self, key: str) -> Sequence[str] | None:
        """Return the patterns of service names that a key is for, empty for all; None for an unknown key."""
        access = self._known_keys.access(key, self._look_up_key)
        return access.services if access else None

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        """Keep a batch, in one commit with those that come at the same moment; a kept span is not kept twice."""
        if batch.rows.spans:
            self._batches.keep(batches.prepare(tenant, batch, now=self._now()), n_bytes=len(batch.body))

    def quarantine(self, tenant: str, *, dialect: str, body: bytes, reason: str) -> None:
        """Keep a body that could not be decoded."""
        disk.check_space(self.engine, self._min_free_bytes)
        with _durable(), self._replaced.taken() as counted, writing(self.engine) as connection:
            quarantine.quarantine(connection, tenant, dialect=dialect, body=body, reason=reason, now=self._now())
            replaced.keep_counts(connection, counted)

    def keep_delivery(self, delivery: Delivery) -> bool:
        """Keep a GitHub delivery; False when its id is already known."""
        with _durable(), writing(self.engine) as connection:
            return deliveries.keep_delivery(connection, delivery, now=self._now())

    def _look_up_key(self, key: str) -> Access | None:
        now = self._now()
        with _durable(), self.engine.connect() as connection:
            found = keys.access(connection, key, now=now)
        if found is None:
            return None
        access, is_news = found
        if is_news:
            with suppress(sa.exc.OperationalError), writing(self.engine) as connection:  # it is told roughly
                keys.note_use(connection, access.tenant, key, now=now)
        return access

    def _commit_batches(self, group: Sequence[batches.Prepared]) -> None:
        disk.check_space(self.engine, self._min_free_bytes)
        with _durable(), self._replaced.taken() as counted, writing(self.engine) as connection:
            for tenant in sorted({batch.tenant for batch in group}):
                keys.keep_tenant(connection, tenant, now=self._now())
            batches.keep_batches(connection, group)
            replaced.keep_counts(connection, counted)

    def count_replaced(self, tenant: str, counts: Mapping[str, int]) -> None:
        """Note how many values each redaction rule replaced; kept with the next batch."""
        self._replaced.add(tenant, counts)

    def quarantined(self, tenant: str, *, most: int) -> list[Quarantined]:
        """Return the newest bodies that could not be decoded."""
        with self.engine.connect() as connection:
            return quarantine.newest(connection, tenant, most=most)

    def replaced(self, tenant: str) -> dict[str, int]:
        """Return how many values each redaction rule has replaced for a tenant."""
        with self.engine.connect() as connection:
            return replaced.counts(connection, tenant)

    # What is old, of all tenants.

    def prepare_days(self) -> list[str]:
        """Make the tables of the days to come, on PostgreSQL; return their names."""
        return days.create_ahead(self.engine, now=self._now())

    def prune(self, before: datetime, *, rest: Rest = lambda _: None) -> Pruned:
        """Delete the traces that nothing came for since a time, all but the evidence of open pull requests."""
        return prune.prune(self.engine, before, rest=rest)

    def would_prune(self, before: datetime) -> Pruned:
        """Return what `prune` would delete now."""
        return prune.would_prune(self.engine, before)

    def drop_handled(self, before: datetime) -> int:
        """Delete the deliveries of a time that were handled; return how many."""
        with writing(self.engine) as connection:
            return deliveries.drop_handled(connection, before)

    def size(self) -> Size:
        """Return how many bytes everything takes, and since when."""
        with self.engine.connect() as connection:
            return size.size(connection)

    def size_by_hour(self) -> list[Hour]:
        """Return in which hours it came, the oldest first."""
        with self.engine.connect() as connection:
            return size.by_hour(connection)

    def shrink(self, *, rest: Rest = lambda _: None) -> None:
        """Give the room of what was deleted back to the disk, as far as the database does so at all."""
        size.shrink(self.engine, rest=rest)

    # Tenants, their keys and repositories, and deliveries.

    def tenants(self) -> list[str]:
        """Return the id of every tenant for whom there may be work: neither suspended nor uninstalled."""
        with self.engine.connect() as connection:
            return keys.tenants(connection)

    def create_key(self, tenant: str, *, label: str = "", services: Sequence[str] = ()) -> str:
        """Return a new ingestion key; only its hash is kept, so it can be shown this once."""
        with writing(self.engine) as connection:
            return keys.create_key(connection, tenant, now=self._now(), label=label, services=services)

    def keys(self, tenant: str) -> list[Key]:
        """Return what is known of a tenant's keys, the oldest first; the keys themselves are not known."""
        with self.engine.connect() as connection:
            return keys.keys(connection, tenant)

    def rotate_key(self, tenant: str, key_id: str, *, overlap: timedelta) -> str:
        """Return a new key with the label and scope of an old one, which stays valid for `overlap`."""
        with writing(self.engine) as connection:
            key = keys.rotate_key(connection, tenant, key_id, overlap=overlap, now=self._now())
        self._known_keys.forget()
        return key

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """Refuse a key from now on; False when it was revoked before."""
        with writing(self.engine) as connection:
            revoked = keys.revoke_key(connection, tenant, key_id, now=self._now())
        self._known_keys.forget()
        return revoked

    def connect_repository(self, tenant: str, repository: str) -> None:
        """Note that a repository belongs to a tenant; a second time changes nothing."""
        with writing(self.engine) as connection:
            keys.keep_tenant(connection, tenant, now=self._now())
            repositories.connect(connection, tenant, repository, now=self._now())

    def repositories(self, tenant: str) -> list[str]:
        """Return a tenant's repositories that there may be work on, the first connected first."""
        with self.engine.connect() as connection:
            return repositories.repositories(connection, tenant)

    def tell_repository(self, tenant: str, told: Told, *, told_at: datetime | None) -> None:
        """Note what GitHub says of a repository, unless something newer than `told_at` is known."""
        with writing(self.engine) as connection:
            keys.keep_tenant(connection, tenant, now=self._now())
            repositories.tell(connection, tenant, told, told_at=told_at, now=self._now())

    def rename_repository(self, tenant: str, old: str, new: str) -> None:
        """Follow a repository to its new name."""
        with writing(self.engine) as connection:
            repositories.rename(connection, tenant, old, new)

    def known_name(self, tenant: str, repository: str) -> str | None:
        """Return a repository's name as it is kept, whether there may be work on it or not; None for an unknown one."""
        with self.engine.connect() as connection:
            return repositories.known_name(connection, tenant, repository)

    def leave_elsewhere(self, tenant: str, github_id: int) -> None:
        """Note that a repository is no other tenant's any more: it was transferred to this one, or to a stranger."""
        with writing(self.engine) as connection:
            repositories.leave_elsewhere(connection, tenant, github_id)

    def is_private(self, tenant: str, repository: str) -> bool | None:
        """Return whether a repository is private, None while GitHub has not said so."""
        with self.engine.connect() as connection:
            return repositories.is_private(connection, tenant, repository)

    def unasked_repositories(self, tenant: str) -> list[str]:
        """Return the repositories whose configuration was neither proposed nor found yet."""
        with self.engine.connect() as connection:
            return repositories.unasked(connection, tenant)

    def mark_asked(self, tenant: str, repository: str) -> None:
        """Note that a repository's configuration was proposed or found: it is proposed once."""
        with writing(self.engine) as connection:
            repositories.mark_asked(connection, tenant, repository, now=self._now())

    def install(self, tenant: str, *, account_id: int | None) -> bool:
        """Make an installation known, with what an earlier one of its account left; False when it is gone already."""
        with writing(self.engine) as connection:
            known = installations.install(connection, tenant, account_id=account_id, now=self._now())
        self._known_keys.forget()
        return known

    def suspend(self, tenant: str, *, suspended: bool, told_at: datetime) -> None:
        """Note that an installation is suspended or not, unless something newer is known."""
        with writing(self.engine) as connection:
            installations.suspend(connection, tenant, suspended=suspended, told_at=told_at)

    def uninstall(self, tenant: str, *, account_id: int | None = None) -> None:
        """Note that an installation is gone: its keys are refused, and there is no work for it any more."""
        with writing(self.engine) as connection:
            installations.uninstall(connection, tenant, account_id=account_id, now=self._now())
        self._known_keys.forget()

    def uninstalled_before(self, before: datetime) -> list[str]:
        """Return the tenants that were uninstalled before a time."""
        with self.engine.connect() as connection:
            return installations.uninstalled_before(connection, before)

    def forget_tenant(self, tenant: str, *, rest: Rest = lambda _: None) -> None:
        """Delete everything that is kept of a tenant: what is much in small transactions, the rest in one."""
        prune.prune_tenant(self.engine, tenant, self._now(), rest=rest)
        with writing(self.engine) as connection:
            everything.delete_everything(connection, tenant)
        self._known_keys.forget()

    def deliveries_of(self, tenant: str) -> list[str]:
        """Return the ids of a tenant's deliveries."""
        with self.engine.connect() as connection:
            return deliveries.deliveries_of(connection, tenant)

    def unhandled_deliveries(self) -> list[str]:
        """Return the ids of all tenants' deliveries that were kept but not handled, oldest first."""
        with self.engine.connect() as connection:
            return deliveries.unhandled_deliveries(connection)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """Return a kept delivery of any tenant, or None."""
        with self.engine.connect() as connection:
            return deliveries.delivery(connection, delivery_id)

    def mark_handled(self, delivery_id: str) -> None:
        """Note that what a delivery asked for was done."""
        with writing(self.engine) as connection:
            deliveries.mark_handled(connection, delivery_id, now=self._now())

    # Traces.

    def traces_to_examine(self, tenant: str, *, quiet_s: float, limit: int = 1_000) -> list[str]:
        """Return the complete traces with spans that nobody has looked at, the longest waiting first."""
        with self.engine.connect() as connection:
            return traces.traces_to_examine(connection, tenant, now=self._now(), quiet_s=quiet_s, limit=limit)

    def load_traces(self, tenant: str, trace_ids: Iterable[str]) -> dict[str, Trace]:
        """Return these traces with all their spans; unknown ids are left out."""
        with self.engine.connect() as connection:
            return traces.load_traces(connection, tenant, trace_ids, decode=self._decode)

    def save_examined(self, tenant: str, trace: Trace, found: Sequence[Failure]) -> None:
        """Make these the failures of the trace and note, in the same transaction, that it was examined."""
        texts = [describe(failure, trace) for failure in found]
        with writing(self.engine) as connection:
            # First, and the same as what deletes traces does first: a trace is then here to the end, or gone already.
            if traces.mark_examined(connection, tenant, trace, now=self._now()):
                failures.save_failures(connection, tenant, trace.trace_id, found, texts)
                responses.keep_responses(connection, tenant, trace)

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

    # Failures and failure modes.

    def failures(self, tenant: str) -> list[Failure]:
        """Return every failure, oldest first."""
        with self.engine.connect() as connection:
            return failures.failures(connection, tenant)

    def failures_of_mode(self, tenant: str, failure_mode_id: str) -> list[Failure]:
        """Return the failures of a failure mode, oldest first."""
        with self.engine.connect() as connection:
            return failures.failures_of_mode(connection, tenant, failure_mode_id)

    def undescribed(self, tenant: str) -> list[Failure]:
        """Return the failures that an earlier version kept without a description."""
        with self.engine.connect() as connection:
            return failures.undescribed(connection, tenant)

    def keep_described(self, tenant: str, found: Sequence[Failure], texts: Sequence[str]) -> None:
        """Keep failures with their descriptions."""
        with writing(self.engine) as connection:
            failures.keep_described(connection, tenant, found, texts)

    def sample(self, tenant: str) -> list[Sampled]:
        """Return a few failures of each kind, oldest first: what stands for all when failures are grouped."""
        with self.engine.connect() as connection:
            return grouping.sample(connection, tenant)

    def save_grouping(self, tenant: str, modes: Sequence[FailureMode], moves: Sequence[Move]) -> None:
        """Keep these failure modes, let failures join theirs, and count whom each reaches."""
        with writing(self.engine) as connection:
            grouping.save_grouping(connection, tenant, modes, moves)

    def merge_members(self, tenant: str, target: FailureMode, source: FailureMode) -> None:
        """Let the failures of `source` go into `target`, which inherits what was said of it."""
        with writing(self.engine) as connection:
            grouping.merge_members(connection, tenant, target, source)

    def services_that_failed(self, tenant: str) -> list[str]:
        """Return the services that have failures, as the columns hold them."""
        with self.engine.connect() as connection:
            return grouping.services_that_failed(connection, tenant)

    def service_owners(self, tenant: str) -> dict[str, str]:
        """Return the agent that owned each service when that was last known."""
        with self.engine.connect() as connection:
            return grouping.service_owners(connection, tenant)

    def keep_service_owners(self, tenant: str, owners: Mapping[str, str]) -> None:
        """Note which agent owns these services."""
        with writing(self.engine) as connection:
            grouping.keep_service_owners(connection, tenant, owners)

    def wishes(self, tenant: str) -> list[Wish]:
        """Return what people merged and split by hand, oldest first."""
        with self.engine.connect() as connection:
            return wishes.wishes(connection, tenant)

    def keep_wish(self, tenant: str, wish: Wish) -> None:
        """Remember what a person merged or split."""
        with writing(self.engine) as connection:
            wishes.keep_wish(connection, tenant, wish, now=self._now())

    def examples(self, tenant: str, failure_mode_id: str) -> list[Failure]:
        """Return the last failures of a failure mode whose traces are deleted, oldest first."""
        with self.engine.connect() as connection:
            return examples.examples(connection, tenant, failure_mode_id)

    def modes_with_members(self, tenant: str) -> frozenset[str]:
        """Return the failure modes whose traces are not all deleted."""
        with self.engine.connect() as connection:
            return failure_modes.modes_with_members(connection, tenant)

    def failure_modes(self, tenant: str) -> list[FailureMode]:
        """Return every failure mode, the one with most traces first."""
        with self.engine.connect() as connection:
            return failure_modes.failure_modes(connection, tenant)

    def failure_mode(self, tenant: str, failure_mode_id: str) -> FailureMode | None:
        """Return one failure mode, or None."""
        with self.engine.connect() as connection:
            return failure_modes.failure_mode(connection, tenant, failure_mode_id)

    def members(self, tenant: str) -> dict[FailureId, str]:
        """Return the failure mode id of every failure that has one."""
        with self.engine.connect() as connection:
            return failure_modes.members(connection, tenant)

    def traces_of_mode(self, tenant: str, failure_mode_id: str, *, limit: int = 100) -> list[str]:
        """Return the traces that show a failure mode, the latest failure first."""
        with self.engine.connect() as connection:
            return failure_modes.traces_of_mode(connection, tenant, failure_mode_id, limit=limit)

    def save_modes(
        self, tenant: str, modes: Sequence[FailureMode], members: Mapping[str, Iterable[tuple[str, str, str]]]
    ) -> None:
        """Keep these failure modes and make `members`, failure ids by failure mode id, their members."""
        with writing(self.engine) as connection:
            failure_modes.save_modes(connection, tenant, modes, members)

    def set_status(self, tenant: str, failure_mode_id: str, status: Status) -> None:
        """Note where a failure mode stands."""
        with writing(self.engine) as connection:
            failure_modes.set_status(connection, tenant, failure_mode_id, status)

    def embedding_cache(self, tenant: str, model: str) -> EmbeddingCache:
        """Return the vectors of a model that were computed before, by text."""
        return EmbeddingCache(self.engine, tenant=tenant, model=model, now=self._now)

    # Proposals and what came of them.

    def save_proposal(self, tenant: str, proposal: Proposal) -> None:
        """Keep a proposal; the same one is kept once."""
        with writing(self.engine) as connection:
            proposals.save_proposal(connection, tenant, proposal, now=self._now())

    def proposal(self, tenant: str, proposal_id: str) -> Proposal | None:
        """Return a proposal, or None."""
        with self.engine.connect() as connection:
            return proposals.proposal(connection, tenant, proposal_id)

    def proposals_of_mode(self, tenant: str, failure_mode_id: str, *, state: str | None = None) -> list[Proposal]:
        """Return the proposals for a failure mode, oldest first; of one pull request state where it is given."""
        with self.engine.connect() as connection:
            return proposals.proposals_of_mode(connection, tenant, failure_mode_id, state=state)

    def save_evidence(self, tenant: str, evidence: Evidence) -> None:
        """Keep the evidence of a kept proposal; a second trial replaces the first."""
        with writing(self.engine) as connection:
            proposals.save_evidence(connection, tenant, evidence, now=self._now())

    def evidence_of(self, tenant: str, proposal_id: str) -> Evidence | None:
        """Return the evidence of a proposal, None when it was not tried."""
        with self.engine.connect() as connection:
            return proposals.evidence_of(connection, tenant, proposal_id)

    def add_spent(self, tenant: str, failure_mode_id: str, *, tokens: int, cost_usd: float) -> None:
        """Add one run of the agent fixer to what a failure mode has cost."""
        with writing(self.engine) as connection:
            spending.add_spent(connection, tenant, failure_mode_id, tokens=tokens, cost_usd=cost_usd)

    def spent(self, tenant: str) -> Spent:
        """Return what all runs of the agent fixer have cost together."""
        with self.engine.connect() as connection:
            return spending.spent(connection, tenant)

    def save_verdict(self, tenant: str, recorded: RecordedVerdict) -> None:
        """Keep how an attempt ended."""
        with writing(self.engine) as connection:
            verdicts.save_verdict(connection, tenant, recorded)

    def verdicts(self, tenant: str) -> dict[str, list[RecordedVerdict]]:
        """Return how every attempt ended, by failure mode id, oldest first."""
        with self.engine.connect() as connection:
            return verdicts.verdicts(connection, tenant)

    def save_pull_request(self, tenant: str, pull_request: PullRequest, *, proposal_id: str, agent: str = "") -> None:
        """Keep a pull request of a kept proposal; the same head branch again updates it."""
        with writing(self.engine) as connection:
            pull_requests.save_pull_request(
                connection, tenant, pull_request, proposal_id=proposal_id, agent=agent, now=self._now()
            )

    def pull_requests(self, tenant: str) -> list[Opened]:
        """Return every pull request, oldest first."""
        with self.engine.connect() as connection:
            return pull_requests.pull_requests(connection, tenant)

    def pull_requests_of_mode(self, tenant: str, failure_mode_id: str) -> list[Opened]:
        """Return the pull requests for a failure mode, newest first."""
        with self.engine.connect() as connection:
            return pull_requests.pull_requests_of_mode(connection, tenant, failure_mode_id)

    def find_pull_request(self, tenant: str, repository: str, number: int) -> Opened | None:
        """Return the pull request of a number, None when it is not ours."""
        with self.engine.connect() as connection:
            return pull_requests.find_pull_request(connection, tenant, repository, number)

    def pull_request_of_branch(self, tenant: str, repository: str, head_branch: str) -> Opened | None:
        """Return the pull request of a head branch, None when it is not ours."""
        with self.engine.connect() as connection:
            return pull_requests.pull_request_of_branch(connection, tenant, repository, head_branch)

    def set_pull_request_state(self, tenant: str, pull_request: PullRequest, state: str) -> None:
        """Note where a pull request stands now: "open", "closed" or "merged"."""
        with writing(self.engine) as connection:
            pull_requests.set_pull_request_state(connection, tenant, pull_request, state)

    def revise_pull_request(self, tenant: str, pull_request: PullRequest, *, proposal_id: str) -> None:
        """Let a known pull request show another proposal, with another head."""
        with writing(self.engine) as connection:
            pull_requests.revise_pull_request(connection, tenant, pull_request, proposal_id=proposal_id)

    def proposed_modes(self, tenant: str) -> frozenset[str]:
        """Return the failure modes that have a pull request, whatever became of it."""
        with self.engine.connect() as connection:
            return pull_requests.proposed_modes(connection, tenant)

    def wait(self, tenant: str, entry: Waiting) -> None:
        """Put a failure mode into the queue; one that is there keeps its place."""
        with writing(self.engine) as connection:
            waiting.wait(connection, tenant, entry, now=self._now())

    def ask(self, tenant: str, failure_mode_id: str) -> bool:
        """Note that a person wants this one to go out now; False when it does not wait, or was asked for already."""
        with writing(self.engine) as connection:
            return waiting.ask(connection, tenant, failure_mode_id, now=self._now())

    def waiting(self, tenant: str) -> list[Waiting]:
        """Return the queue, the longest waiting first."""
        with self.engine.connect() as connection:
            return waiting.waiting(connection, tenant)

    def stop_waiting(self, tenant: str, failure_mode_id: str) -> None:
        """Take a failure mode out of the queue."""
        with writing(self.engine) as connection:
            waiting.stop_waiting(connection, tenant, failure_mode_id)

    def record_outcome(self, tenant: str, outcome: Outcome) -> bool:
        """Keep what people decided; False when its delivery was recorded before."""
        with writing(self.engine) as connection:
            return outcomes.record_outcome(connection, tenant, outcome)

    def outcomes_of_mode(self, tenant: str, failure_mode_id: str) -> list[Outcome]:
        """Return what people decided about the proposals for a failure mode, oldest first."""
        with self.engine.connect() as connection:
            return outcomes.outcomes_of_mode(connection, tenant, failure_mode_id)

    def keep_refusal(self, tenant: str, refusal: Refusal) -> None:
        """Keep what was known when a proposal was refused; a second time changes nothing."""
        with writing(self.engine) as connection:
            refusals.keep_refusal(connection, tenant, refusal)

    def refusals(self, tenant: str) -> list[Refusal]:
        """Return every refusal of a pull request that is not open again, oldest first."""
        with self.engine.connect() as connection:
            return refusals.refusals(connection, tenant)

    def give_reason(self, tenant: str, proposal_id: str, reason: Reason, *, words: str = "") -> None:
        """Note why a proposal was refused."""
        with writing(self.engine) as connection:
            refusals.give_reason(connection, tenant, proposal_id, reason, words)

    def ask_again(self, tenant: str, failure_mode_id: str) -> None:
        """Note that a person wants another attempt on a failure mode whose pull request was refused."""
        with writing(self.engine) as connection:
            refusals.ask_again(connection, tenant, failure_mode_id, now=self._now())

    def forget_refusal(self, tenant: str, proposal_id: str) -> None:
        """Forget that a proposal was refused: its pull request is open again."""
        with writing(self.engine) as connection:
            refusals.forget_refusal(connection, tenant, proposal_id)

    def keep_remark(self, tenant: str, remark: Remark) -> bool:
        """Keep what a reviewer said; False when it is known already."""
        with writing(self.engine) as connection:
            return remarks.keep_remark(connection, tenant, remark)

    def unanswered_remarks(self, tenant: str, head_branch: str) -> list[Remark]:
        """Return what was said of a pull request and is not answered yet, oldest first."""
        with self.engine.connect() as connection:
            return remarks.unanswered_remarks(connection, tenant, head_branch)

    def review_rounds(self, tenant: str, head_branch: str) -> int:
        """Return how many times remarks on a pull request were answered."""
        with self.engine.connect() as connection:
            return remarks.review_rounds(connection, tenant, head_branch)

    def mark_answered(self, tenant: str, answered: Sequence[Remark], *, number: int) -> None:
        """Note that remarks were answered in the round with this number, from 1."""
        with writing(self.engine) as connection:
            remarks.mark_answered(connection, tenant, answered, number=number)

    def keep_note(self, tenant: str, head_branch: str, section: str, words: str) -> None:
        """Keep a part of our comment on a pull request; the same section again replaces it."""
        with writing(self.engine) as connection:
            notes.keep_note(connection, tenant, head_branch, section, words)

    def notes(self, tenant: str, head_branch: str) -> list[str]:
        """Return the parts of our comment on a pull request."""
        with self.engine.connect() as connection:
            return notes.notes(connection, tenant, head_branch)

    def keep_deployment(self, tenant: str, repository: str, sha: str, *, succeeded_at: datetime) -> None:
        """Keep that a commit reached production; the first time counts."""
        with writing(self.engine) as connection:
            proofs.keep_deployment(connection, tenant, repository, sha, succeeded_at=succeeded_at)

    def deployments(self, tenant: str, repository: str) -> list[Deployment]:
        """Return what reached production, the first first."""
        with self.engine.connect() as connection:
            return proofs.deployments(connection, tenant, repository)

    def save_proof(self, tenant: str, proof: Proof) -> None:
        """Keep what is known of a merged fix, in place of what was known."""
        with writing(self.engine) as connection:
            proofs.save_proof(connection, tenant, proof)

    def proofs(self, tenant: str) -> dict[str, Proof]:
        """Return what is known of the merged fixes, by proposal id."""
        with self.engine.connect() as connection:
            return proofs.proofs(connection, tenant)

    def releases(self, tenant: str, service: str) -> dict[str, datetime]:
        """Return when each release of a service was first seen; "" stands for traces that name none."""
        with self.engine.connect() as connection:
            return proofs.releases(connection, tenant, service)

    def runs(
        self, tenant: str, *, service: str, failure_mode_id: str, since: datetime, boundary: datetime
    ) -> Sequence[Runs]:
        """Return the examined runs since a time, by release and side of the boundary, of the failure mode's kinds."""
        with self.engine.connect() as connection:
            return proofs.runs(
                connection,
                tenant,
                service=service,
                failure_mode_id=failure_mode_id,
                since=since,
                boundary=boundary,
            )


@contextmanager
def _durable() -> Iterator[None]:
    """Tell the sender to come again when the database cannot take the data now: full, locked, gone, no connection."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as error:
        raise Unavailable(f"the database cannot keep this now: {error.args[0] if error.args else error!r}") from error
