"""Embed what the failures have in common, group it, and keep the failure modes."""

from collections import defaultdict
from collections.abc import Sequence

from bot.store.store import Store
from clustering.describe import describe
from clustering.embed import Encoder, embed
from clustering.failure import Failure
from clustering.modes import extend_modes, update_modes

CHUNK = 500


def group(store: Store, tenant: str, *, encoder: Encoder) -> int:
    """Update the tenant's failure modes from all its failures; return how many modes have members.

    New failures join the nearest known mode; only when one is near to none are all grouped anew.
    """
    failures = store.failures(tenant)
    texts = _describe(store, tenant, failures)
    X = embed(texts, encoder, store.embedding_cache(tenant, encoder.name))
    previous = store.failure_modes(tenant)
    known = {"/".join(identity): mode for identity, mode in store.members(tenant).items()}
    update = extend_modes(failures, texts, X, previous=previous, members=known) or update_modes(
        failures, texts, X, previous=previous, members=known
    )
    members: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for failure in failures:
        members[update.members[failure.identity]].append((failure.trace_id, failure.span_id, failure.detector))
    store.save_modes(tenant, update.modes, members)
    return sum(1 for mode in update.modes if mode.n_traces)


def _describe(store: Store, tenant: str, failures: Sequence[Failure]) -> list[str]:
    """Return the masked description of each failure; traces are loaded in chunks, not all at once."""
    texts = []
    for start in range(0, len(failures), CHUNK):
        chunk = failures[start : start + CHUNK]
        traces = store.load_traces(tenant, {failure.trace_id for failure in chunk})
        texts += [describe(failure, traces[failure.trace_id]) for failure in chunk]
    return texts
