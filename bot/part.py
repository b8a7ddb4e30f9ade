"""Part a failure mode because a person asks so below its pull request, and say what came of it."""

from bot.by_hand import MAX_BY, split
from bot.discretion import Discretion
from bot.errors import NotSplittable
from bot.pr_body import comments
from bot.store.store import Store
from clustering.embed import Encoder
from clustering.failure_mode import FailureMode
from clustering.wish import FACETS, facet


def part(
    store: Store, tenant: str, mode: FailureMode, by: str, *, encoder: Encoder, discretion: Discretion
) -> tuple[bool, str]:
    """Return whether the failure mode is parted by the property `by` now, and what to say; may be called again."""
    by = by.strip()[:MAX_BY]
    try:
        parts = split(store, tenant, mode.id, by=by, encoder=encoder)
    except NotSplittable:
        parts = _parted_before(store, tenant, mode, by)
        if not parts:
            return False, comments.not_parted(_ways(store, tenant, mode))
    return True, comments.parted(by, mode.id, [discretion.mode(each) for each in parts])


def _parted_before(store: Store, tenant: str, mode: FailureMode, by: str) -> list[FailureMode]:
    """Return the parts that an earlier call has made."""
    sampled = store.sample(tenant)
    mine = {each.kind for each in sampled if each.failure_mode_id == mode.id}
    wished = {kind for wish in store.wishes(tenant) if wish.by == by and mine & set(wish.kinds) for kind in wish.kinds}
    ids = {each.failure_mode_id for each in sampled if each.kind in wished}
    return [each for each in store.failure_modes(tenant) if each.id in ids]


def _ways(store: Store, tenant: str, mode: FailureMode) -> dict[str, int]:
    """Return into how many parts each property would part it, those that would."""
    sampled = [each for each in store.sample(tenant) if each.failure_mode_id == mode.id]
    counts = {by: len({facet(by, each.failure, each.text) for each in sampled}) for by in FACETS}
    return {by: n for by, n in counts.items() if n > 1}
