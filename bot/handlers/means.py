"""Means: what a handler may use, and what a handler is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.discretion import Discretions
from bot.errand import Errand
from bot.forge.forge import Forge
from bot.store.store import Store
from webhooks.github import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Everything that handlers reach outside of the delivery itself."""

    store: Store
    #: The forge of a tenant's repository.
    forge_of: Callable[[str, str], Forge]
    now: Callable[[], datetime]
    #: Takes personal data out of what is said in comments.
    discretions: Discretions
    #: Has this done by a worker, after this delivery is handled.
    start: Callable[[Errand], None]
    #: Ends the durable work of a tenant.
    end_work: Callable[[str], None]


#: Does what one delivery asks for; may be called again with the same delivery, and must then change nothing.
Handler = Callable[[Delivery, Means], None]
