"""Write titles: ask a model for the title of each failure mode, and keep one only where the members bear it out.

A failure mode is asked about once for the same descriptions; a title that does not hold leaves the one that it has.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bot.advisor import Advisor, advise
from bot.group import embedded
from bot.store.grouping import Sampled
from bot.store.store import Store
from clustering.describe import words_of
from clustering.embed import Embeddings, Encoder
from clustering.failure_mode import FailureMode, Status
from clustering.proposed_title import MAX_MEMBERS, MIN_OTHERS, question, read_title, tells_apart

#: Below this one example says it all.
MIN_TRACES = 3
QUIET = frozenset({Status.ARCHIVED, Status.RESOLVED})


def write_titles(
    store: Store,
    tenant: str,
    *,
    advisor: Advisor,
    encoder: Encoder,
    now: datetime,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Ask until the budget of the last 24 hours is used up or the provider fails; return how many titles changed."""
    sampled = store.sample(tenant)
    texts, decided = _texts(sampled), _decided(store, tenant, sampled)
    modes = [mode for mode in store.failure_modes(tenant) if mode.id in texts and mode.id not in decided]
    wanted = [mode for mode in modes if mode.n_traces >= MIN_TRACES and mode.status not in QUIET]
    if not wanted or len(texts) <= MIN_OTHERS:
        return 0
    cache = store.embedding_cache(tenant, encoder.name)
    vectors = {key: embedded([words_of(text) for text in found], encoder, cache) for key, found in texts.items()}
    n_changed = 0
    for n_asked, mode in enumerate(wanted, 1):
        messages = question(mode.detector, mode.key, texts[mode.id])
        title = advise(store, tenant, messages, read_title, advisor=advisor, now=now)
        if title is None:
            break
        if title and title != mode.title:
            (proposed,) = embedded([words_of(title)], encoder, cache)
            n_changed += _keep(store, tenant, mode, title, proposed, vectors)
        on_progress(n_asked, len(wanted))
    return n_changed


def _decided(store: Store, tenant: str, sampled: Sequence[Sampled]) -> set[str]:
    """Return the failure modes that people merged or split: those keep the title that they had then."""
    kinds = {kind for wish in store.wishes(tenant) for kind in wish.kinds}
    return {each.failure_mode_id for each in sampled if each.failure_mode_id and each.kind in kinds}


def _texts(sampled: Sequence[Sampled]) -> dict[str, list[str]]:
    """Return, by failure mode, the first descriptions with different words."""
    found: dict[str, dict[str, str]] = {}
    for each in sampled:
        if each.failure_mode_id and (words := words_of(each.text)):
            known = found.setdefault(each.failure_mode_id, {})
            if len(known) < MAX_MEMBERS:
                known.setdefault(words, each.text)
    return {mode_id: list(texts.values()) for mode_id, texts in found.items()}


def _keep(  # noqa: PLR0917
    store: Store, tenant: str, mode: FailureMode, title: str, proposed: Embeddings, vectors: Mapping[str, Embeddings]
) -> bool:
    others = [each for mode_id, each in vectors.items() if mode_id != mode.id]
    held = tells_apart(proposed, vectors[mode.id], others)
    if held:
        store.set_title(tenant, mode.id, title)
    return held
