"""Quarantine: bodies that could not be decoded, kept for a person to look at."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from bot.store.batches import body_id
from bot.store.columns import compress, moment
from webhooks.searched import microseconds, searched

# Whoever sends nonsense all day must not fill the disk with it: of a body its start is kept, of the bodies the newest.
MAX_BYTES = 1024 * 1024
MAX_BODIES = 200

_KEEP = sa.text("""
    INSERT INTO quarantine (tenant, body_id, dialect, body, reason, received_at)
    VALUES (:tenant, :body_id, :dialect, :body, :reason, :now)
    ON CONFLICT (tenant, body_id) DO NOTHING
""")
_DROP_OLDEST = sa.text("""
    DELETE FROM quarantine WHERE tenant = :tenant AND body_id IN (
        SELECT body_id FROM quarantine WHERE tenant = :tenant
        ORDER BY received_at DESC, body_id LIMIT :most OFFSET :kept
    )
""")
_NEWEST = sa.text("""
    SELECT dialect, reason, received_at FROM quarantine WHERE tenant = :tenant
    ORDER BY received_at DESC, body_id LIMIT :most
""")


class Quarantined(NamedTuple):
    """A body that could not be decoded, without the body."""

    dialect: str
    reason: str
    received_at: datetime


def quarantine(
    connection: sa.Connection, tenant: str, *, dialect: str, body: bytes, reason: str, now: datetime
) -> None:
    """Keep the start of a body that could not be decoded; the same body is kept once, and the oldest go."""
    cut = f" (the first {MAX_BYTES} of {len(body)} bytes are kept)" if len(body) > MAX_BYTES else ""
    row = {
        "tenant": tenant,
        "body_id": body_id(dialect, body),
        "dialect": searched(dialect),
        "body": compress(body[:MAX_BYTES]),
        "reason": searched(f"{reason}{cut}"),
        "now": microseconds(now),
    }
    connection.execute(_KEEP, row)
    connection.execute(_DROP_OLDEST, {"tenant": tenant, "most": MAX_BODIES, "kept": MAX_BODIES})


def newest(connection: sa.Connection, tenant: str, *, most: int) -> list[Quarantined]:
    """Return the newest bodies of a tenant that could not be decoded."""
    rows = connection.execute(_NEWEST, {"tenant": tenant, "most": most})
    return [Quarantined(row.dialect, row.reason, moment(row.received_at)) for row in rows]
