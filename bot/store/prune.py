"""Prune: delete the traces that nothing came for since a time, with all that hangs on them; then the bodies of nobody.

Every transaction is small, and between two of them the receiver has its turn. What was interrupted is gone on with by
doing it again. A body that several traces share stays until the last of them is deleted.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import NamedTuple, TypeVar

import sqlalchemy as sa

from bot.store import days
from bot.store.columns import chunks
from bot.store.days import number_at
from bot.store.evidence_kept import EvidenceKept, evidence_kept
from bot.store.examples import keep_examples
from bot.store.transaction import writing
from webhooks.searched import NO_TRACES, microseconds

TRACES_AT_ONCE, SPANS_AT_ONCE, BATCHES_AT_ONCE = 200, 5_000, 100
# Workers' clocks differ, and a body may be numbered a little before the trace that another worker's began.
SKEW = timedelta(minutes=5)

#: Lets others have the database for a while; told how many seconds it was held.
Rest = Callable[[float], object]

T = TypeVar("T")


def _of_traces(sql: str) -> sa.TextClause:
    return sa.text(sql).bindparams(sa.bindparam("trace_ids", expanding=True))


_TENANTS = sa.text("SELECT tenant FROM tenants ORDER BY tenant")
_NOTE = sa.text("""
    INSERT INTO pruned (tenant, before) VALUES (:tenant, :before)
    ON CONFLICT (tenant) DO UPDATE SET before = excluded.before WHERE pruned.before < excluded.before
""")
_PAGE = sa.text("""
    SELECT trace_id, first_received_at, last_received_at, n_spans FROM traces
    WHERE tenant = :tenant AND first_received_at < :before AND (first_received_at, trace_id) > (:at, :trace_id)
    ORDER BY first_received_at, trace_id LIMIT :most
""")
_TRACES = sa.table("traces", *map(sa.column, ("tenant", "trace_id", "last_received_at")))
# Members go with their failures, and responses with their traces.
_DROP_FAILURES = _of_traces("DELETE FROM failures WHERE tenant = :tenant AND trace_id IN :trace_ids")
_DROP_SPANS = _of_traces("DELETE FROM spans WHERE tenant = :tenant AND trace_id IN :trace_ids")
_DROP_TRACES = _of_traces("DELETE FROM traces WHERE tenant = :tenant AND trace_id IN :trace_ids")
_DROP_OTHERS = (
    *(
        f"DELETE FROM spans WHERE tenant = :tenant AND substr(trace_id, 1, {len(key)}) = '{key}' AND batch < :number"  # noqa: S608  # ours
        for key in NO_TRACES
    ),
    "DELETE FROM quarantine WHERE tenant = :tenant AND received_at < :before",
    "DELETE FROM embeddings WHERE tenant = :tenant AND used_at < :before",
    "DELETE FROM advice WHERE tenant = :tenant AND asked_at < :before",
)
_REFERRED = _of_traces("""
    SELECT DISTINCT batch FROM spans WHERE tenant = :tenant AND trace_id IN :trace_ids AND batch < :number
""")
_BATCHES = sa.text("""
    SELECT batch, length(body) AS n_bytes FROM batches WHERE tenant = :tenant AND batch > :after AND batch < :number
    ORDER BY batch LIMIT :most
""")
_DROP_BATCHES = sa.text("DELETE FROM batches WHERE tenant = :tenant AND batch IN :numbers").bindparams(
    sa.bindparam("numbers", expanding=True)
)


class Pruned(NamedTuple):
    """What was deleted, or would be."""

    n_traces: int = 0
    n_spans: int = 0
    n_batches: int = 0
    #: Of the bodies, compressed as they are kept.
    n_bytes: int = 0
    #: Traces that are old enough, and stay for a pull request.
    n_kept: int = 0

    def plus(self, other: "Pruned") -> "Pruned":
        """Return both together."""
        return Pruned(*(a + b for a, b in zip(self, other, strict=True)))


class _Old(NamedTuple):
    trace_id: str
    first_received_at: int
    last_received_at: int
    n_spans: int


def prune(engine: sa.Engine, before: datetime, *, rest: Rest) -> Pruned:
    """Delete what came before a time, of every tenant; on PostgreSQL the days that are over go as a whole."""
    tenants = _tenants(engine)
    done = Pruned()
    referred: dict[str, set[int]] = {}
    for tenant in tenants:
        with engine.connect() as connection:
            evidence = evidence_kept(connection, tenant)
        done = done.plus(_prune_rows(engine, tenant, before, evidence=evidence, rest=rest))
        referred[tenant] = _referred(engine, tenant, before)
        done = done.plus(_counted(_idle(engine, tenant, before, referred[tenant])))
    days.drop_before(engine, before, kept=set().union(*referred.values()))
    for tenant in tenants:
        _drop_idle(engine, tenant, before, referred[tenant], rest=rest)
    return done


def prune_tenant(engine: sa.Engine, tenant: str, before: datetime, *, rest: Rest) -> None:
    """Delete what one tenant kept before a time, the evidence of pull requests too."""
    _prune_rows(engine, tenant, before, evidence=EvidenceKept(tenant=tenant), rest=rest)
    _drop_idle(engine, tenant, before, _referred(engine, tenant, before), rest=rest)


def would_prune(engine: sa.Engine, before: datetime) -> Pruned:
    """Return what `prune` would delete now."""
    done = Pruned()
    for tenant in _tenants(engine):
        going: set[str] = set()
        for page in _pages(engine, tenant, before):
            old = [each for each in page if each.last_received_at < microseconds(before)]
            with engine.connect() as connection:
                stay = evidence_kept(connection, tenant).among(connection, [each.trace_id for each in old])
            leaving = [each for each in old if each.trace_id not in stay]
            going |= {each.trace_id for each in leaving}
            done = done.plus(Pruned(len(leaving), sum(each.n_spans for each in leaving), n_kept=len(stay)))
        referred = _referred(engine, tenant, before, without=going)
        done = done.plus(_counted(_idle(engine, tenant, before, referred)))
    return done


def _tenants(engine: sa.Engine) -> list[str]:
    """Return every tenant, also those for whom there is no work."""
    with engine.connect() as connection:
        return list(connection.scalars(_TENANTS))


def _prune_rows(engine: sa.Engine, tenant: str, before: datetime, *, evidence: EvidenceKept, rest: Rest) -> Pruned:
    """Delete the rows of a tenant's old traces, all but the evidence, and what else is as old; bodies stay."""
    scope = {"tenant": tenant, "before": microseconds(before), "number": number_at(before)}
    _execute(engine, _NOTE, scope)
    done = Pruned()
    for page in _pages(engine, tenant, before):
        for group in _groups([each for each in page if each.last_received_at < microseconds(before)]):
            done = done.plus(resting(rest, partial(_drop_traces, engine, evidence, group, before)))
    for statement in _DROP_OTHERS:
        resting(rest, partial(_execute, engine, sa.text(statement), scope))
    return done


def _pages(engine: sa.Engine, tenant: str, before: datetime) -> Iterator[list[_Old]]:
    """Yield the traces that began before a time, the oldest first."""
    at, trace_id = -1, ""
    while True:
        row = {"tenant": tenant, "before": microseconds(before), "at": at, "trace_id": trace_id}
        with engine.connect() as connection:
            page = [_Old(*found) for found in connection.execute(_PAGE, {**row, "most": TRACES_AT_ONCE})]
        if not page:
            return
        yield page
        at, trace_id = page[-1].first_received_at, page[-1].trace_id


def _groups(old: Sequence[_Old]) -> Iterator[list[str]]:
    """Yield the ids of as many traces as one transaction may delete the spans of; a long trace is alone."""
    group: list[str] = []
    n_spans = 0
    for each in old:
        if group and n_spans + each.n_spans > SPANS_AT_ONCE:
            yield group
            group, n_spans = [], 0
        group.append(each.trace_id)
        n_spans += each.n_spans
    if group:
        yield group


def _drop_traces(engine: sa.Engine, evidence: EvidenceKept, trace_ids: Sequence[str], before: datetime) -> Pruned:
    """Delete those of the traces that are still as old, and no evidence."""
    mine = _TRACES.c.tenant == evidence.tenant
    still_old = _TRACES.c.last_received_at < microseconds(before)
    query = sa.select(_TRACES.c.trace_id).where(mine, _TRACES.c.trace_id.in_(trace_ids), still_old)
    with writing(engine) as connection:
        # One that the receiver or the detectors have under way is left for the next time.
        free = set(connection.scalars(query.with_for_update(skip_locked=True)))
        stay = evidence.among(connection, sorted(free))
        going = {"tenant": evidence.tenant, "trace_ids": sorted(free - stay)}
        if not free - stay:
            return Pruned(n_kept=len(stay))
        keep_examples(connection, evidence.tenant, going["trace_ids"])
        connection.execute(_DROP_FAILURES, going)
        n_spans = connection.execute(_DROP_SPANS, going).rowcount
        connection.execute(_DROP_TRACES, going)
    return Pruned(n_traces=len(free - stay), n_spans=n_spans, n_kept=len(stay))


def _referred(engine: sa.Engine, tenant: str, before: datetime, *, without: Collection[str] = frozenset()) -> set[int]:
    """Return the old batches that traces still need, but for those traces that are about to go.

    A batch can only have spans of traces that began before it came; so few traces must be asked.
    """
    found: set[int] = set()
    for page in _pages(engine, tenant, before + SKEW):
        trace_ids = [each.trace_id for each in page if each.trace_id not in without]
        row = {"tenant": tenant, "trace_ids": trace_ids, "number": number_at(before)}
        with engine.connect() as connection:
            found |= set(connection.scalars(_REFERRED, row)) if trace_ids else set()
    return found


def _idle(engine: sa.Engine, tenant: str, before: datetime, referred: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield number and size of the old batches that no trace needs, the oldest first."""
    after = -1
    while True:
        row = {"tenant": tenant, "after": after, "number": number_at(before), "most": 1_000}
        with engine.connect() as connection:
            page = connection.execute(_BATCHES, row).all()
        if not page:
            return
        yield from ((number, n_bytes) for number, n_bytes in page if number not in referred)
        after = page[-1].batch


def _counted(idle: Iterator[tuple[int, int]]) -> Pruned:
    sizes = [n_bytes for _, n_bytes in idle]
    return Pruned(n_batches=len(sizes), n_bytes=sum(sizes))


def _drop_idle(engine: sa.Engine, tenant: str, before: datetime, referred: Collection[int], *, rest: Rest) -> None:
    for numbers in chunks((number for number, _ in _idle(engine, tenant, before, referred)), BATCHES_AT_ONCE):
        resting(rest, partial(_execute, engine, _DROP_BATCHES, {"tenant": tenant, "numbers": numbers}))


def _execute(engine: sa.Engine, statement: sa.TextClause, row: dict[str, object]) -> None:
    with writing(engine) as connection:
        connection.execute(statement, row)


def resting(rest: Rest, do: Callable[[], T]) -> T:
    """Do something that holds the database, then let others have it."""
    began = monotonic()
    done = do()
    rest(monotonic() - began)
    return done
