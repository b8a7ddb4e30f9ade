"""Take in the deliveries that came while nobody listened: GitHub does not send them again by itself.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

import logging
from datetime import datetime, timedelta

from bot.errors import ForgeError
from bot.forge.hook_deliveries import HookDeliveries
from bot.store.store import Store
from webhooks.redact import Redaction

#: How long GitHub remembers a delivery.
REMEMBERED = timedelta(days=3)
#: Between two sweeps.
INTERVAL = timedelta(hours=1)
# What GitHub lists may come in late; what is known already costs nothing to see again.
OVERLAP = timedelta(minutes=15)
log = logging.getLogger(__name__)


def sweep(
    store: Store, deliveries: HookDeliveries, *, since: datetime, redaction: Redaction | None = None
) -> list[str]:
    """Keep every delivery since then that is not kept yet; return their ids, oldest first.

    A delivery that GitHub cannot show any more is left out, with a line in the log.

    Raises
    ------
    ForgeError
        GitHub does not list its deliveries.

    """
    missed = {each.delivery_id: each for each in deliveries.since(since) if store.delivery(each.delivery_id) is None}
    kept = []
    for attempt in sorted(missed.values(), key=lambda attempt: (attempt.delivered_at, attempt.id)):
        try:
            delivery = deliveries.read(attempt)
        except ForgeError as error:
            log.warning("the delivery %s is asked for again in the next sweep: %s", attempt.delivery_id, error)
            continue
        if store.keep_delivery(redaction.delivery(delivery) if redaction else delivery):
            kept.append(delivery.delivery_id)
    return kept
