"""Keep the product within its limits of age and size: what `serve` does every hour, and `prune` by hand."""

from functools import partial

from bot.assemble import Product
from bot.retention import Kept, Retention, keep_within, would_keep
from bot.store.prune import Rest
from bot.store.size import shrink
from bot.work import forget_finished


def tidy(product: Product, rest: Rest, *, dry_run: bool = False) -> Kept:
    """Delete what the settings do not keep, or only say what that is."""
    settings, now = product.settings, product.stages.now()
    retention = Retention(keep_days=settings.keep_days, keep_bytes=settings.keep_bytes)
    if dry_run:
        return would_keep(product.store, retention, now=now)
    finished = partial(forget_finished, product.work_engine)
    kept = keep_within(product.store, retention, now=now, rest=rest, forget_finished=finished)
    shrink(product.work_engine, rest=rest)
    return kept
