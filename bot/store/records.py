"""Records: what every part of the store is made of."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa


class Records:
    """A part of `bot.store.store.Store`, which sets these."""

    engine: sa.Engine
    _now: Callable[[], datetime]
