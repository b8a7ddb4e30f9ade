"""Deliveries: what GitHub told us, kept until it is handled and after.

They are looked up by GitHub's delivery id alone: who the tenant is, only the payload says.
"""

import json
from datetime import datetime

import sqlalchemy as sa

from bot.store.columns import compress, decompress
from webhooks.github import Delivery
from webhooks.searched import microseconds, searched

# Of deliveries that belong to the App itself and to no installation of it, such as "ping".
APP_TENANT = "app"

_KEEP = sa.text("""
    INSERT INTO deliveries (tenant, delivery_id, event, action, payload, received_at)
    VALUES (:tenant, :delivery_id, :event, :action, :payload, :now)
    ON CONFLICT DO NOTHING
""")
_UNHANDLED = sa.text("SELECT delivery_id FROM deliveries WHERE handled_at IS NULL ORDER BY received_at, delivery_id")
_GET = sa.text("SELECT delivery_id, event, action, payload FROM deliveries WHERE delivery_id = :delivery_id")
_OF_TENANT = sa.text("SELECT delivery_id FROM deliveries WHERE tenant = :tenant ORDER BY received_at, delivery_id")
_MARK_HANDLED = sa.text(
    "UPDATE deliveries SET handled_at = :now WHERE delivery_id = :delivery_id AND handled_at IS NULL"
)
_DROP_HANDLED = sa.text("DELETE FROM deliveries WHERE handled_at IS NOT NULL AND received_at < :before")


def keep_delivery(connection: sa.Connection, delivery: Delivery, *, now: datetime) -> bool:
    """Keep a delivery; False when its id is already known."""
    row = {
        "tenant": tenant_of_delivery(delivery),
        "delivery_id": searched(delivery.delivery_id),
        "event": searched(delivery.event),
        "action": searched(delivery.action),
        "payload": compress(json.dumps(delivery.payload).encode()),
        "now": microseconds(now),
    }
    return connection.execute(_KEEP, row).rowcount > 0


def tenant_of_delivery(delivery: Delivery) -> str:
    """Return the installation that a delivery belongs to, as text."""
    return APP_TENANT if delivery.installation is None else searched(delivery.installation)


def unhandled_deliveries(connection: sa.Connection) -> list[str]:
    """Return the ids of the deliveries that were kept but not handled, oldest first."""
    return list(connection.scalars(_UNHANDLED))


def delivery(connection: sa.Connection, delivery_id: str) -> Delivery | None:
    """Return a kept delivery, or None."""
    row = connection.execute(_GET, {"delivery_id": searched(delivery_id)}).one_or_none()
    if row is None:
        return None
    payload = json.loads(decompress(row.payload))
    return Delivery(delivery_id=row.delivery_id, event=row.event, action=row.action, payload=payload)


def mark_handled(connection: sa.Connection, delivery_id: str, *, now: datetime) -> None:
    """Note that what the delivery asked for was done."""
    connection.execute(_MARK_HANDLED, {"delivery_id": searched(delivery_id), "now": microseconds(now)})


def deliveries_of(connection: sa.Connection, tenant: str) -> list[str]:
    """Return the ids of a tenant's deliveries, oldest first."""
    return list(connection.scalars(_OF_TENANT, {"tenant": tenant}))


def drop_handled(connection: sa.Connection, before: datetime) -> int:
    """Delete the deliveries of all tenants that came before a time and were handled; return how many."""
    return connection.execute(_DROP_HANDLED, {"before": microseconds(before)}).rowcount
