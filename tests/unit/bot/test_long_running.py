"""A process that serves is readied once."""

import gc
import sys

from bot.long_running import settle


def test_what_was_made_before_serving_is_not_looked_at_again() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > len(sys.modules)
    finally:
        gc.unfreeze()
