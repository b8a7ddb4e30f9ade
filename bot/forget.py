"""Forget who uninstalled the App: after the stated time nothing of theirs is kept."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.store.store import Store
from bot.work import forget_work

log = logging.getLogger(__name__)


def forget_uninstalled(
    store: Store, *, before: datetime, forget: Callable[[str, Iterable[str]], None] = forget_work
) -> list[str]:
    """Delete everything of the tenants that were uninstalled before a time, and return them.

    Parameters
    ----------
    forget
        Deletes the durable work of a tenant, and of these deliveries.

    """
    tenants = store.uninstalled_before(before)
    for tenant in tenants:
        forget(tenant, store.deliveries_of(tenant))
        store.forget_tenant(tenant)
        log.info("forgot tenant %s, which was uninstalled before %s", tenant, before)
    return tenants
