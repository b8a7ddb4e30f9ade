"""Reverts: pull requests that take a merged fix back."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from bot.pull_request import PullRequest
from bot.store.columns import moment
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO reverts (tenant, proposal_id, repository, number, head_branch, url, state, opened_at)
    VALUES (:tenant, :proposal_id, :repository, :number, :head_branch, :url, :state, :now)
    ON CONFLICT (tenant, proposal_id) DO NOTHING
""")
_ALL = sa.text("SELECT * FROM reverts WHERE tenant = :tenant ORDER BY opened_at, proposal_id")
_FIND = sa.text("""
    SELECT * FROM reverts WHERE tenant = :tenant AND lower(repository) = lower(:repository) AND number = :number
""")
_SET_STATE = sa.text("UPDATE reverts SET state = :state WHERE tenant = :tenant AND proposal_id = :proposal_id")


class Revert(NamedTuple):
    """A pull request that takes a merged fix back."""

    #: Of the fix.
    proposal_id: str
    repository: str
    number: int
    head_branch: str
    url: str
    #: "open", "closed" or "merged".
    state: str
    #: Aware, UTC.
    opened_at: datetime

    @property
    def pull_request(self) -> PullRequest:
        """The pull request, as a forge is asked about it; what nobody kept of it is empty."""
        return PullRequest(
            repository=self.repository,
            number=self.number,
            head_branch=self.head_branch,
            head_sha="",
            url=self.url,
            title="",
            state=self.state,
        )


def keep_revert(
    connection: sa.Connection, tenant: str, pull_request: PullRequest, *, proposal_id: str, now: datetime
) -> None:
    """Keep the pull request that takes a proposal back; there is one at most."""
    row = {
        "tenant": tenant,
        "proposal_id": proposal_id,
        "repository": pull_request.repository,
        "number": pull_request.number,
        "head_branch": pull_request.head_branch,
        "url": pull_request.url,
        "state": pull_request.state,
        "now": microseconds(now),
    }
    connection.execute(_KEEP, row)


def reverts(connection: sa.Connection, tenant: str) -> list[Revert]:
    """Return every revert, oldest first."""
    return [_revert(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def find_revert(connection: sa.Connection, tenant: str, repository: str, number: int) -> Revert | None:
    """Return the revert with the number of a pull request, None when it is none; GitHub's names ignore case."""
    row = {"tenant": tenant, "repository": repository, "number": number}
    found = connection.execute(_FIND, row).one_or_none()
    return None if found is None else _revert(found)


def set_revert_state(connection: sa.Connection, tenant: str, proposal_id: str, state: str) -> None:
    """Note where the revert of a proposal stands now."""
    connection.execute(_SET_STATE, {"tenant": tenant, "proposal_id": proposal_id, "state": state})


def _revert(row: sa.Row[Any]) -> Revert:
    return Revert(
        row.proposal_id, row.repository, row.number, row.head_branch, row.url, row.state, moment(row.opened_at)
    )
