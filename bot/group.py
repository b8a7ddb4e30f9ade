"""Embed what the failures have in common, group it, and keep the failure modes.

A few failures stand for each kind, so that the cost follows the variety of failures and not their number.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from functools import partial

from bot.readable import load_readable
from bot.store.embeddings import EmbeddingCache
from bot.store.grouping import Move, Sampled
from bot.store.store import Store
from clustering.describe import describe
from clustering.embed import Embeddings, Encoder, cache_key, embed
from clustering.modes import ModeUpdate, extend_modes, update_modes
from clustering.represent import represent

CHUNK = 500


def itself(service: str) -> str:
    """Return the owner of a service that no agent owns."""
    return service


def group(store: Store, tenant: str, *, encoder: Encoder, owner_of: Callable[[str], str] = itself) -> int:
    """Update the tenant's failure modes from all its failures; return how many modes have members.

    New failures join the mode of their kind, or the nearest; only when one is near to none are all grouped anew.

    Parameters
    ----------
    owner_of
        Says, for a service, whose failures are grouped with its own.

    """
    with store.turn(f"group/{tenant}"):
        return regroup(store, tenant, encoder=encoder, owner_of=owner_of)


def regroup(
    store: Store, tenant: str, *, encoder: Encoder, owner_of: Callable[[str], str] = itself, anew: bool = False
) -> int:
    """Do what `group` does for who has the turn; with `anew`, all are grouped whether that is needed or not."""
    _describe_the_rest(store, tenant)
    retold = set(store.ungrouped_headlines(tenant))
    sampled = store.sample(tenant)
    # What had its place, and gave its failure mode a title, by its own words may have others by its headline.
    retold_modes = _modes_of(sampled, lambda each: each.failure.trace_id in retold)
    decided = {kind for wish in store.wishes(tenant) for kind in wish.kinds}
    untitled = retold_modes - _modes_of(sampled, lambda each: each.kind in decided)
    update = _update(
        store, tenant, sampled, encoder=encoder, owner_of=owner_of, anew=anew or bool(retold_modes), untitled=untitled
    )
    moves = {Move(each.kind, each.failure_mode_id, update.members[each.failure.identity]) for each in sampled}
    changed = [move for move in moves if move.before != move.after]
    store.save_grouping(tenant, update.modes, sorted(changed, key=lambda move: (move.kind, move.before or "")))
    store.mark_grouped(tenant, sorted(retold))
    return sum(1 for mode in store.failure_modes(tenant) if mode.n_traces)


def _update(
    store: Store,
    tenant: str,
    sampled: list[Sampled],
    *,
    encoder: Encoder,
    owner_of: Callable[[str], str],
    anew: bool,
    untitled: Container[str],
) -> ModeUpdate:
    failures = [replace(each.failure, owner=owner_of(each.failure.service)) for each in sampled]
    texts = [each.text for each in sampled]
    previous, wishes = store.failure_modes(tenant), store.wishes(tenant)
    known = {each.failure.identity: each.failure_mode_id for each in sampled if each.failure_mode_id}
    cached = partial(embedded, encoder=encoder, cache=store.embedding_cache(tenant, encoder.name))
    X = represent(failures, texts, cached, n_features=encoder.n_features, previous=previous, members=known)
    update = None
    if not anew:
        update = extend_modes(failures, texts, X, previous=previous, members=known, wishes=wishes)
    if update is not None:
        return update
    titles = {mode.id: mode.title for mode in previous}
    update = update_modes(
        failures,
        texts,
        X,
        previous=[replace(mode, title="") if mode.id in untitled else mode for mode in previous],
        members=known,
        wishes=wishes,
        weights=_weights(sampled),
    )
    titled = [mode if mode.title else replace(mode, title=titles.get(mode.id, "")) for mode in update.modes]
    return update._replace(modes=titled)


def _modes_of(sampled: Sequence[Sampled], wanted: Callable[[Sampled], bool]) -> set[str]:
    return {each.failure_mode_id for each in sampled if each.failure_mode_id and wanted(each)}


def embedded(words: list[str], encoder: Encoder, cache: EmbeddingCache) -> Embeddings:
    """Embed what was never embedded before, and keep it."""
    known = cache.get_many({cache_key(text, encoder) for text in words})
    vectors = dict(known)
    X = embed(words, encoder, vectors)
    cache.update({key: vectors[key] for key in vectors.keys() - known.keys()})
    return X


def _weights(sampled: list[Sampled]) -> list[float]:
    """Return for how many failures each stands."""
    n_sampled: dict[tuple[str, str | None], int] = {}
    for each in sampled:
        place = (each.kind, each.failure_mode_id)
        n_sampled[place] = n_sampled.get(place, 0) + 1
    return [each.n / n_sampled[each.kind, each.failure_mode_id] for each in sampled]


def _describe_the_rest(store: Store, tenant: str) -> None:
    """Describe the failures that an earlier version kept without; those of unreadable traces by their message alone."""
    failures = store.undescribed(tenant)
    for start in range(0, len(failures), CHUNK):
        chunk = failures[start : start + CHUNK]
        traces = {trace.trace_id: trace for trace in load_readable(store, tenant, [each.trace_id for each in chunk])}
        store.keep_described(tenant, chunk, [describe(each, traces.get(each.trace_id)) for each in chunk])
