"""Blind spots: what share of the runs that no detector flagged was audited, what was found, and how far to believe it.

The judge is held against people's feedback: of the audited runs that people rated badly, how many it calls failed
(recall), and of those that it calls failed and people rated, how many they rated badly (precision).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from bot.advisor import DAY, Advisor
from bot.store.judgements import Audited
from bot.store.store import Store
from clustering.judgement import Verdict
from fixers.statistics import wilson_interval

#: Rated runs that are needed on each side before a share is corrected by what the judge gets wrong.
MIN_RATED = 10
N_FOUND = 20


class Share(NamedTuple):
    """A share, k of n, with its 95 % confidence interval."""

    k: int
    n: int
    low: float
    high: float


class Audit(NamedTuple):
    """What the judge's answers say."""

    #: Judged failed, of the audited runs that no detector had flagged.
    found: Share
    #: Lowest and highest share of failed runs among all unflagged ones, with the judge's own mistakes taken out; None
    #: with too few rated runs.
    corrected: tuple[float, float] | None
    recall: Share
    precision: Share
    #: Answers that cited nothing that is in the run, or could not be read.
    n_unusable: int


def weigh(audited: Sequence[Audited]) -> Audit:
    """Return what the judge's answers say, and how well it agrees with people."""
    usable = [each for each in audited if each.verdict in {Verdict.FAILED, Verdict.HEALTHY}]
    quiet = [each for each in usable if not each.was_flagged]
    bad = [each for each in usable if each.rating < 0]
    called = [each for each in usable if each.rating and each.verdict is Verdict.FAILED]
    found = _share(sum(each.verdict is Verdict.FAILED for each in quiet), len(quiet))
    return Audit(
        found=found,
        corrected=_corrected(found, usable),
        recall=_share(sum(each.verdict is Verdict.FAILED for each in bad), len(bad)),
        precision=_share(sum(each.rating < 0 for each in called), len(called)),
        n_unusable=len(audited) - len(usable),
    )


def blind_spots(store: Store, tenant: str, *, judge: Advisor | None, now: datetime) -> dict[str, Any]:
    """Return what is known of the failures that no detector sees, as plain values."""
    asked = store.audited(tenant)
    weighed = weigh(asked)
    spent = store.audit_spent(tenant, since=now - DAY)
    n_unflagged = store.count_unflagged(tenant)
    audited = weighed.found.n
    return {
        "unflagged": n_unflagged,
        "audited": audited,
        "n_asked": len(asked),
        "share_audited": round(audited / n_unflagged, 4) if n_unflagged else 0.0,
        "found": weighed.found._asdict(),
        "corrected": list(weighed.corrected) if weighed.corrected else None,
        "recall": weighed.recall._asdict(),
        "precision": weighed.precision._asdict(),
        "unusable_answers": weighed.n_unusable,
        "model": judge.name if judge else None,
        "spent_in_24_h": {"tokens": spent.tokens, "cost_usd": round(spent.cost_usd, 4)},
        "budget_for_24_h": {"tokens": judge.tokens_per_day, "cost_usd": judge.usd_per_day} if judge else None,
        "failures": [
            {
                "trace_id": trace_id,
                "kind": judgement.kind,
                "why": judgement.why,
                "cited": [{"span_id": each.span_id, "quote": each.quote} for each in judgement.cited],
            }
            for trace_id, judgement in store.found_by_judge(tenant, most=N_FOUND)
        ],
    }


def _share(k: int, n: int) -> Share:
    return Share(k, n, *wilson_interval(k, n))


def _corrected(found: Share, usable: Sequence[Audited]) -> tuple[float, float] | None:
    """Take false alarms out of a share and add misses (Rogan and Gladen, Am. J. Epidemiol. 107, 1978)."""
    alarms = [each.verdict is Verdict.FAILED for each in usable if each.rating > 0]
    hits = [each.verdict is Verdict.FAILED for each in usable if each.rating < 0]
    if min(len(alarms), len(hits)) < MIN_RATED or not found.n:
        return None
    false_alarms, recall = sum(alarms) / len(alarms), sum(hits) / len(hits)
    if recall <= false_alarms:
        return None  # it tells nothing apart
    low, high = ((share - false_alarms) / (recall - false_alarms) for share in (found.low, found.high))
    return round(min(max(low, 0.0), 1.0), 4), round(min(max(high, 0.0), 1.0), 4)
