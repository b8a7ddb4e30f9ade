"""Load traces, but for those that cannot be read."""

import logging
from collections.abc import Sequence

from bot.errors import UnreadableBatch
from bot.store.store import Store
from webhooks.trace import Trace

log = logging.getLogger(__name__)


def load_readable(store: Store, tenant: str, trace_ids: Sequence[str]) -> list[Trace]:
    """Return these traces, but for those that cannot be read: each time the log says so."""
    try:
        return list(store.load_traces(tenant, trace_ids).values())
    except UnreadableBatch as error:
        if len(trace_ids) == 1:
            log.warning("trace %s of tenant %s cannot be read: %s", trace_ids[0], tenant, error)
            return []
    return [trace for each in trace_ids for trace in load_readable(store, tenant, [each])]
