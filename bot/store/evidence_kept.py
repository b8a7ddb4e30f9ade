"""Evidence kept: the traces that a person may be looking at on a pull request, which outlive every limit.

They are the members of the failure modes that have an open pull request, or a verified fix that waits for a place, and
what its proposal and its evidence name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.codec import from_json
from fixers.evidence import Evidence
from fixers.proposal import Proposal
from webhooks.searched import searched

_SHOWN = sa.text("""
    SELECT proposals.failure_mode_id, proposals.record AS proposal, evidence.record AS evidence
    FROM proposals LEFT JOIN evidence USING (tenant, proposal_id)
    WHERE proposals.tenant = :tenant AND (
        EXISTS (SELECT 1 FROM pull_requests
                WHERE pull_requests.tenant = proposals.tenant AND pull_requests.proposal_id = proposals.proposal_id
                  AND pull_requests.state = 'open')
        OR (evidence.verdict = 'verified'
            AND EXISTS (SELECT 1 FROM waiting
                        WHERE waiting.tenant = proposals.tenant
                          AND waiting.failure_mode_id = proposals.failure_mode_id)))
""")
_MEMBERS = sa.text("""
    SELECT DISTINCT trace_id FROM failures
    WHERE tenant = :tenant AND trace_id IN :trace_ids AND failure_mode_id IN :modes
""").bindparams(sa.bindparam("trace_ids", expanding=True), sa.bindparam("modes", expanding=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceKept:
    """Whose evidence a tenant's open pull requests are."""

    tenant: str
    #: Failure modes all of whose traces stay.
    modes: tuple[str, ...] = ()
    #: trace_ids, as the columns hold them.
    named: frozenset[str] = frozenset()

    def among(self, connection: sa.Connection, trace_ids: Sequence[str]) -> set[str]:
        """Return those of the traces that stay; a few hundred at most are asked for at once."""
        stay = self.named & set(trace_ids)
        if self.modes and trace_ids:
            row = {"tenant": self.tenant, "trace_ids": trace_ids, "modes": self.modes}
            stay |= set(connection.scalars(_MEMBERS, row))
        return set(stay)


def evidence_kept(connection: sa.Connection, tenant: str) -> EvidenceKept:
    """Return what must stay for the pull requests that are open, or about to be opened, now."""
    rows = connection.execute(_SHOWN, {"tenant": tenant}).all()
    named = {searched(trace_id) for row in rows for trace_id in _named(row)}
    return EvidenceKept(
        tenant=tenant, modes=tuple(sorted({row.failure_mode_id for row in rows})), named=frozenset(named)
    )


def _named(row: sa.Row[Any]) -> set[str]:
    proposal = from_json(Proposal, row.proposal)
    named = {*proposal.predicted_fixes, *proposal.at_risk, *(quote.trace_id for quote in proposal.diagnosis.quotes)}
    if row.evidence is not None:
        named |= {case.trace_id for case in from_json(Evidence, row.evidence).cases}
    return named
