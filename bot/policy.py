"""Which failure modes are worth an attempt now. Values in, a list out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.failure_mode import FailureMode, Status
from clustering.score import Traffic, severity
from clustering.trend import UNCHANGED, Growth
from fixers.evidence import Verdict

# Verdicts that more traces of the same failure can change; the others need another commit.
HOPEFUL = frozenset({Verdict.TOO_NOISY, Verdict.NO_PROPOSAL})
# Verdicts that say nothing of the failure mode: the machine or the forge was not ready, or a verified fix was tried by
# hand and not opened.
UNSETTLED = frozenset({Verdict.VERIFIED, Verdict.FAULT, Verdict.NO_SANDBOX})
# Verdicts on a proposal that another proposal for the same failure mode may escape.
ESCAPABLE = frozenset(
    {Verdict.OUT_OF_SCOPE, Verdict.BREAKS_TESTS, Verdict.TEST_PROVES_NOTHING, Verdict.NOT_FIXED, Verdict.REGRESSION}
)
# Evidence must have doubled before the same commit is tried again.
GROWTH = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of an earlier attempt on a failure mode."""

    failure_mode_id: str
    base_sha: str
    n_traces: int
    verdict: Verdict
    #: Nothing was drafted for want of a model, and by now there is one.
    unequipped: bool = False

    @property
    def is_unsettled(self) -> bool:
        """Whether it says nothing of the failure mode."""
        return self.unequipped or self.verdict in UNSETTLED


def worth_mending(
    modes: Sequence[FailureMode],
    *,
    attempts: Mapping[str, Sequence[Attempt]],
    proposed: frozenset[str],
    base_shas: Mapping[str, str],
    traffic: Traffic,
    growths: Mapping[str, Growth],
) -> list[FailureMode]:
    """Return the modes to try now, most severe first.

    Parameters
    ----------
    attempts
        Earlier attempts by failure mode id, oldest first; the last one on a commit counts.
    proposed
        Failure modes that already have a pull request, open, merged or refused: never a second one.
    base_shas
        The commit that an attempt would start from, by failure mode id; modes without one belong to no agent.
    traffic
        What ran in all: the denominator of severity.
    growths
        The trend of each failure mode that has one, by id.

    """
    chosen = [
        mode
        for mode in modes
        if mode.id in base_shas
        and mode.id not in proposed
        and mode.status not in {Status.ARCHIVED, Status.RESOLVED}
        and not _is_settled(mode, [each for each in attempts.get(mode.id, ()) if each.base_sha == base_shas[mode.id]])
    ]
    factors = {mode.id: growths.get(mode.id, UNCHANGED).factor for mode in chosen}
    return sorted(chosen, key=lambda mode: (-severity(mode, traffic, factors[mode.id]), mode.id))


def _is_settled(mode: FailureMode, attempts: Sequence[Attempt]) -> bool:
    """Whether the last of these attempts, all on one commit, answers the question that a new one would ask."""
    if not attempts or attempts[-1].is_unsettled:
        return False
    return attempts[-1].verdict not in HOPEFUL or mode.n_traces < GROWTH * attempts[-1].n_traces
