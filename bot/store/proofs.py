"""What became of merged fixes: deployments, runs by release, and what was concluded."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.proof import Proof
from bot.store.codec import from_json, to_json
from bot.store.columns import moment
from fixers.aftermath import Exposure
from webhooks.searched import microseconds, searched

_KEEP_DEPLOYMENT = sa.text("""
    INSERT INTO deployments (tenant, repository, sha, succeeded_at) VALUES (:tenant, :repository, :sha, :succeeded_at)
    ON CONFLICT (tenant, repository, sha) DO NOTHING
""")
_DEPLOYMENTS = sa.text("""
    SELECT sha, succeeded_at FROM deployments WHERE tenant = :tenant AND repository = :repository
    ORDER BY succeeded_at, sha
""")
_KEEP = sa.text("""
    INSERT INTO proofs (tenant, proposal_id, record) VALUES (:tenant, :proposal_id, :record)
    ON CONFLICT (tenant, proposal_id) DO UPDATE SET record = excluded.record
""")
_ALL = sa.text("SELECT record FROM proofs WHERE tenant = :tenant ORDER BY proposal_id")
# More kinds than this are no kinds: their names hold ids.
MAX_KINDS = 20
_KINDS = sa.text("""
    SELECT DISTINCT spans.name FROM spans
    JOIN failures ON failures.tenant = spans.tenant AND failures.trace_id = spans.trace_id
    WHERE spans.tenant = :tenant AND failure_mode_id = :failure_mode_id AND spans.parent_span_id IS NULL
    LIMIT :limit
""")
_FIRST_SEEN = sa.text("""
    SELECT COALESCE(release, '') AS version, min(started_at) AS first_seen FROM traces
    WHERE tenant = :tenant AND service = :service GROUP BY COALESCE(release, '')
""")
_RUNS = sa.text("""
    SELECT version, later, count(*) AS n_runs, sum(of_mode) AS n_of_mode, sum(failing) AS n_failing FROM (
        SELECT COALESCE(release, '') AS version,
            CASE WHEN started_at >= :boundary THEN 1 ELSE 0 END AS later,
            CASE WHEN EXISTS (
                SELECT 1 FROM failures AS members WHERE members.tenant = traces.tenant
                AND members.trace_id = traces.trace_id AND members.failure_mode_id = :failure_mode_id
            ) THEN 1 ELSE 0 END AS of_mode,
            CASE WHEN EXISTS (
                SELECT 1 FROM failures WHERE failures.tenant = traces.tenant AND failures.trace_id = traces.trace_id
            ) THEN 1 ELSE 0 END AS failing
        FROM traces
        WHERE tenant = :tenant AND service = :service AND started_at >= :since AND examined_n_spans = n_spans
            AND (:any_kind = 1 OR EXISTS (
                SELECT 1 FROM spans WHERE spans.tenant = traces.tenant AND spans.trace_id = traces.trace_id
                AND spans.parent_span_id IS NULL AND spans.name IN :kinds))
    ) AS runs GROUP BY version, later
""").bindparams(sa.bindparam("kinds", expanding=True, type_=sa.Text()))


class Deployment(NamedTuple):
    """A commit that reached production."""

    sha: str
    #: Aware, UTC.
    succeeded_at: datetime


class Runs(NamedTuple):
    """The runs of one release on one side of a moment."""

    #: Empty where the traces name none.
    release: str
    is_later: bool
    exposure: Exposure


def keep_deployment(
    connection: sa.Connection, tenant: str, repository: str, sha: str, *, succeeded_at: datetime
) -> None:
    """Keep that a commit reached production; the first time counts."""
    row = {"tenant": tenant, "repository": repository, "sha": sha, "succeeded_at": microseconds(succeeded_at)}
    connection.execute(_KEEP_DEPLOYMENT, row)


def deployments(connection: sa.Connection, tenant: str, repository: str) -> list[Deployment]:
    """Return what reached production, the first first."""
    rows = connection.execute(_DEPLOYMENTS, {"tenant": tenant, "repository": repository})
    return [Deployment(sha, moment(succeeded_at)) for sha, succeeded_at in rows]


def save_proof(connection: sa.Connection, tenant: str, proof: Proof) -> None:
    """Keep what is known of a merged fix, in place of what was known."""
    connection.execute(_KEEP, {"tenant": tenant, "proposal_id": proof.proposal_id, "record": to_json(proof)})


def proofs(connection: sa.Connection, tenant: str) -> dict[str, Proof]:
    """Return what is known of the merged fixes, by proposal id."""
    found = [from_json(Proof, record) for record in connection.scalars(_ALL, {"tenant": tenant})]
    return {proof.proposal_id: proof for proof in found}


def releases(connection: sa.Connection, tenant: str, service: str) -> dict[str, datetime]:
    """Return when each release of a service was first seen; "" stands for traces that name none."""
    rows = connection.execute(_FIRST_SEEN, {"tenant": tenant, "service": searched(service)})
    return {version: moment(first_seen) for version, first_seen in rows}


def runs(
    connection: sa.Connection,
    tenant: str,
    *,
    service: str,
    failure_mode_id: str,
    since: datetime,
    boundary: datetime,
) -> Sequence[Runs]:
    """Return the examined runs of a service since a time, of the kinds (names of the root) that show the failure mode.

    Parameters
    ----------
    boundary
        The moment that parts the later runs from the earlier ones.

    """
    row = {"tenant": tenant, "failure_mode_id": failure_mode_id, "limit": MAX_KINDS + 1}
    kinds = list(connection.scalars(_KINDS, row))
    values = {
        "tenant": tenant,
        "service": searched(service),
        "failure_mode_id": failure_mode_id,
        "since": microseconds(since),
        "boundary": microseconds(boundary),
        "any_kind": int(not 0 < len(kinds) <= MAX_KINDS),
        "kinds": kinds,
    }
    return [
        Runs(
            found.version,
            bool(found.later),
            Exposure(n_runs=found.n_runs, n_of_mode=int(found.n_of_mode), n_failing=int(found.n_failing)),
        )
        for found in connection.execute(_RUNS, values)
    ]
