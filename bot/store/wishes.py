"""Wishes: what people merged and split by hand, in order."""

from datetime import datetime

import sqlalchemy as sa

from bot.store.codec import from_json, to_json
from clustering.wish import Wish
from webhooks.searched import microseconds

_KEEP = sa.text("""
    INSERT INTO wishes (tenant, number, made_at, record)
    SELECT :tenant, coalesce(max(number), 0) + 1, :made_at, :record FROM wishes WHERE tenant = :tenant
""")
_ALL = sa.text("SELECT record FROM wishes WHERE tenant = :tenant ORDER BY number")


def keep_wish(connection: sa.Connection, tenant: str, wish: Wish, *, now: datetime) -> None:
    """Remember a wish after all others."""
    connection.execute(_KEEP, {"tenant": tenant, "made_at": microseconds(now), "record": to_json(wish)})


def wishes(connection: sa.Connection, tenant: str) -> list[Wish]:
    """Return every wish, oldest first."""
    return [from_json(Wish, record) for record in connection.scalars(_ALL, {"tenant": tenant})]
