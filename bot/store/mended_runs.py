"""Mended runs: failing runs that a verified fix mended, kept whole, whatever becomes of their traces."""

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from bot.errors import UnreadableRecord
from fixers.errors import CassetteError
from fixers.replay.cassette import Cassette
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO mended_runs (tenant, proposal_id, trace_id, service, kept_at, record)
    VALUES (:tenant, :proposal_id, :trace_id, :service, :kept_at, :record)
    ON CONFLICT (tenant, proposal_id, trace_id) DO UPDATE SET record = excluded.record
""")
# Only of merged fixes that were not taken back: without its fix, a run fails as it always did.
_OF_SERVICES = sa.text("""
    SELECT mended_runs.record FROM mended_runs
    JOIN pull_requests ON pull_requests.tenant = mended_runs.tenant
        AND pull_requests.proposal_id = mended_runs.proposal_id AND pull_requests.state = 'merged'
    WHERE mended_runs.tenant = :tenant AND mended_runs.service = :service AND NOT EXISTS (
        SELECT 1 FROM reverts WHERE reverts.tenant = mended_runs.tenant
        AND reverts.proposal_id = mended_runs.proposal_id AND reverts.state = 'merged')
    ORDER BY mended_runs.kept_at DESC, mended_runs.proposal_id, mended_runs.trace_id LIMIT :limit
""")


def keep_mended_runs(
    connection: sa.Connection, tenant: str, proposal_id: str, runs: Sequence[Cassette], *, now: datetime
) -> None:
    """Keep runs that a proposal mended; the same ones again replace the former."""
    fixed = {"tenant": tenant, "proposal_id": proposal_id, "kept_at": microseconds(now)}
    rows = [fixed | {"trace_id": run.trace_id, "service": run.service, "record": _written(run)} for run in runs]
    if rows:
        connection.execute(_KEEP, rows)


def mended_runs(connection: sa.Connection, tenant: str, service: str, *, limit: int) -> list[Cassette]:
    """Return runs of a service that merged fixes mended, the latest fix's first."""
    row = {"tenant": tenant, "service": service, "limit": limit}
    return [_read(record) for record in connection.scalars(_OF_SERVICES, row)]


def _written(run: Cassette) -> str:
    return json.dumps(run.to_json(), separators=(",", ":"))  # ASCII: a NUL survives in any database


def _read(record: str) -> Cassette:
    try:
        return Cassette.from_json(json.loads(record))
    except (ValueError, CassetteError) as error:
        raise UnreadableRecord(f"not a mended run: {error}") from error
