"""Pull requests: which proposal each one shows. Where it stands is the forge's to say; this is what it said last."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.pull_request import PullRequest
from bot.store.codec import from_json, to_json
from bot.store.columns import moment
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO pull_requests (tenant, repository, head_branch, number, proposal_id, agent, state, opened_at, record)
    VALUES (:tenant, :repository, :head_branch, :number, :proposal_id, :agent, :state, :now, :record)
    ON CONFLICT (tenant, repository, head_branch) DO UPDATE SET
        number = excluded.number, state = excluded.state, record = excluded.record
""")
_ALL = sa.text("""
    SELECT record, proposal_id, agent, opened_at, state FROM pull_requests WHERE tenant = :tenant
    ORDER BY opened_at, head_branch
""")
_OF_MODE = sa.text("""
    SELECT pull_requests.record, proposal_id, agent, opened_at, state FROM pull_requests
    JOIN proposals USING (tenant, proposal_id)
    WHERE tenant = :tenant AND failure_mode_id = :failure_mode_id ORDER BY opened_at DESC, head_branch
""")
_MODES = sa.text("""
    SELECT DISTINCT failure_mode_id FROM pull_requests JOIN proposals USING (tenant, proposal_id)
    WHERE tenant = :tenant
""")
_REFUSED = sa.text("""
    SELECT DISTINCT failure_mode_id FROM pull_requests JOIN proposals USING (tenant, proposal_id)
    WHERE tenant = :tenant AND state = 'closed'
""")
_ANCESTORS = sa.text("SELECT failure_mode_id, ancestors, n_traces FROM failure_modes WHERE tenant = :tenant")
_FIND = sa.text("""
    SELECT record, proposal_id, agent, opened_at, state FROM pull_requests
    WHERE tenant = :tenant AND lower(repository) = lower(:repository) AND number = :number
    ORDER BY opened_at DESC LIMIT 1
""")
_OF_BRANCH = sa.text("""
    SELECT record, proposal_id, agent, opened_at, state FROM pull_requests
    WHERE tenant = :tenant AND lower(repository) = lower(:repository) AND head_branch = :head_branch
    ORDER BY opened_at DESC LIMIT 1
""")
_SET_STATE = sa.text("""
    UPDATE pull_requests SET state = :state
    WHERE tenant = :tenant AND repository = :repository AND head_branch = :head_branch
""")
_REVISE = sa.text("""
    UPDATE pull_requests SET record = :record, proposal_id = :proposal_id
    WHERE tenant = :tenant AND repository = :repository AND head_branch = :head_branch
""")
_REWRITE = sa.text("""
    UPDATE pull_requests SET record = :record
    WHERE tenant = :tenant AND repository = :repository AND head_branch = :head_branch
""")


class Opened(NamedTuple):
    """A pull request and the proposal that it shows."""

    pull_request: PullRequest
    proposal_id: str
    #: Name of the agent that it mends; empty when that was not noted.
    agent: str
    #: When it was first kept. Aware, UTC.
    opened_at: datetime


def save_pull_request(
    connection: sa.Connection, tenant: str, pull_request: PullRequest, *, proposal_id: str, agent: str, now: datetime
) -> None:
    """Keep a pull request of a proposal that is kept; the same head branch again updates it."""
    row = {
        "tenant": tenant,
        "repository": pull_request.repository,
        "head_branch": pull_request.head_branch,
        "number": pull_request.number,
        "proposal_id": proposal_id,
        "agent": agent,
        "state": pull_request.state,
        "now": microseconds(now),
        "record": to_json(pull_request),
    }
    connection.execute(_KEEP, row)


def pull_requests(connection: sa.Connection, tenant: str) -> list[Opened]:
    """Return every pull request, oldest first."""
    return [_opened(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def pull_requests_of_mode(connection: sa.Connection, tenant: str, failure_mode_id: str) -> list[Opened]:
    """Return the pull requests for a failure mode, newest first."""
    rows = connection.execute(_OF_MODE, {"tenant": tenant, "failure_mode_id": failure_mode_id})
    return [_opened(row) for row in rows]


def proposed_modes(connection: sa.Connection, tenant: str) -> frozenset[str]:
    """Return the failure modes that have a pull request, whatever became of it, or that inherit one.

    A part of a failure mode inherits a refusal; a failure mode that another one went into inherits any pull request.
    """
    having, refused = (frozenset(connection.scalars(sql, {"tenant": tenant})) for sql in (_MODES, _REFUSED))
    rows = {row.failure_mode_id: row for row in connection.execute(_ANCESTORS, {"tenant": tenant})}
    ancestors = {mode_id: json.loads(row.ancestors) for mode_id, row in rows.items()}
    told = {mode_id for mode_id in having if mode_id in refused or (mode_id in rows and not rows[mode_id].n_traces)}
    return having | {mode_id for mode_id in rows if told & _lineage(mode_id, ancestors)}


def _lineage(mode_id: str, ancestors: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the ancestors of a failure mode and theirs."""
    found: set[str] = set()
    ahead = list(ancestors.get(mode_id, ()))
    while ahead:
        ancestor = ahead.pop()
        if ancestor not in found:
            found.add(ancestor)
            ahead += ancestors.get(ancestor, ())
    return found


def find_pull_request(connection: sa.Connection, tenant: str, repository: str, number: int) -> Opened | None:
    """Return the pull request of a number, None when it is not ours; GitHub's names ignore case."""
    row = connection.execute(_FIND, {"tenant": tenant, "repository": repository, "number": number}).one_or_none()
    return None if row is None else _opened(row)


def pull_request_of_branch(connection: sa.Connection, tenant: str, repository: str, head_branch: str) -> Opened | None:
    """Return the pull request of a head branch, None when it is not ours."""
    row = {"tenant": tenant, "repository": repository, "head_branch": head_branch}
    found = connection.execute(_OF_BRANCH, row).one_or_none()
    return None if found is None else _opened(found)


def set_pull_request_state(connection: sa.Connection, tenant: str, pull_request: PullRequest, state: str) -> None:
    """Note where a pull request stands now: "open", "closed" or "merged"."""
    row = {
        "tenant": tenant,
        "repository": pull_request.repository,
        "head_branch": pull_request.head_branch,
        "state": state,
    }
    connection.execute(_SET_STATE, row)


def revise_pull_request(connection: sa.Connection, tenant: str, pull_request: PullRequest, *, proposal_id: str) -> None:
    """Let a known pull request show another proposal, which is kept, with another head."""
    row = {
        "tenant": tenant,
        "repository": pull_request.repository,
        "head_branch": pull_request.head_branch,
        "record": to_json(pull_request),
        "proposal_id": proposal_id,
    }
    connection.execute(_REVISE, row)


def rewrite_pull_request(connection: sa.Connection, tenant: str, pull_request: PullRequest) -> None:
    """Keep other words of a pull request that is known by its repository and head branch."""
    row = {
        "tenant": tenant,
        "repository": pull_request.repository,
        "head_branch": pull_request.head_branch,
        "record": to_json(pull_request),
    }
    connection.execute(_REWRITE, row)


def _opened(row: sa.Row[Any]) -> Opened:
    pull_request = from_json(PullRequest, row.record)
    return Opened(replace(pull_request, state=row.state), row.proposal_id, row.agent, moment(row.opened_at))
