"""Quarantine: bodies that could not be decoded, kept for a person to look at."""

from datetime import datetime

import sqlalchemy as sa

from bot.store.batches import body_id
from bot.store.columns import compress
from webhooks.searched import microseconds, searched

_KEEP = sa.text("""
    INSERT INTO quarantine (tenant, body_id, dialect, body, reason, received_at)
    VALUES (:tenant, :body_id, :dialect, :body, :reason, :now)
    ON CONFLICT (tenant, body_id) DO NOTHING
""")


def quarantine(
    connection: sa.Connection, tenant: str, *, dialect: str, body: bytes, reason: str, now: datetime
) -> None:
    """Keep a body that could not be decoded; the same body is kept once."""
    row = {
        "tenant": tenant,
        "body_id": body_id(dialect, body),
        "dialect": searched(dialect),
        "body": compress(body),
        "reason": searched(reason),
        "now": microseconds(now),
    }
    connection.execute(_KEEP, row)
