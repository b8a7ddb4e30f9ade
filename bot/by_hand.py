"""What people decide about failure modes: merge, split, and where one stands. Grouping obeys it from then on."""

from collections.abc import Iterable

from bot.errors import NotMergeable, NotSplittable
from bot.group import regroup
from bot.lookup import find_mode
from bot.service_owners import last_known
from bot.store.grouping import Sampled
from bot.store.store import Store
from clustering.embed import Encoder
from clustering.failure_mode import FailureMode, Status
from clustering.wish import FACETS, HAS, Wish, facet, is_facet

MAX_BY = 200  # characters


def merge(store: Store, tenant: str, into: str, other: str, *, encoder: Encoder) -> FailureMode:
    """Make two failure modes one, now and whenever failures are grouped; it keeps the id and title of `into`.

    Raises
    ------
    NotMergeable
        They are one already, or belong to two agents: a fix goes to one.

    """
    with store.turn(f"group/{tenant}"):
        target, source = find_mode(store, tenant, into), find_mode(store, tenant, other)
        if target.id == source.id:
            raise NotMergeable(f"{target.id} is one failure mode already")
        if target.owner != source.owner:
            owners = f"{target.owner or 'no service'!r} and {source.owner or 'no service'!r}"
            raise NotMergeable(f"{target.id} and {source.id} belong to {owners}: one fix cannot mend both")
        kinds = _kinds(each for each in store.sample(tenant) if each.failure_mode_id in {target.id, source.id})
        store.keep_wish(tenant, Wish(kinds=kinds))
        store.merge_members(tenant, target, source)
        _regroup(store, tenant, encoder)
    return find_mode(store, tenant, target.id)


def split(store: Store, tenant: str, start: str, *, by: str, encoder: Encoder) -> list[FailureMode]:
    """Part a failure mode by a property of its failures, now and for those to come; return the parts, largest first.

    The largest part keeps the id.

    Raises
    ------
    NotSplittable
        There is no such property, or all the failures have the same.

    """
    by = by.strip()[:MAX_BY]
    if not is_facet(by):
        raise NotSplittable(
            f"cannot split by {by!r}: choose {', '.join(FACETS)}, or {HAS} and words of the description"
        )
    with store.turn(f"group/{tenant}"):
        mode = find_mode(store, tenant, start)
        sampled = [each for each in store.sample(tenant) if each.failure_mode_id == mode.id]
        if len({facet(by, each.failure, each.text) for each in sampled}) < 2:  # noqa: PLR2004  # parts make a split
            raise NotSplittable(f"all failures of {mode.id} are alike in {by!r}")
        store.keep_wish(tenant, Wish(kinds=_kinds(sampled), by=by))
        _regroup(store, tenant, encoder)
    parts = {each.failure_mode_id for each in store.sample(tenant) if each.kind in _kinds(sampled)}
    return [each for each in store.failure_modes(tenant) if each.id in parts]


def set_status(store: Store, tenant: str, start: str, status: Status) -> FailureMode:
    """Note where a failure mode stands: archived stays quiet, resolved is reopened by a new failure."""
    mode = find_mode(store, tenant, start)
    store.set_status(tenant, mode.id, status)
    return find_mode(store, tenant, mode.id)


def _kinds(sampled: Iterable[Sampled]) -> tuple[str, ...]:
    return tuple(sorted({each.kind for each in sampled}))


def _regroup(store: Store, tenant: str, encoder: Encoder) -> None:
    regroup(store, tenant, encoder=encoder, owner_of=last_known(store, tenant), anew=True)
