"""Installations: the tenants that GitHub tells of, from the first day to the last."""

from datetime import datetime

import sqlalchemy as sa

from bot.store.everything import move_everything
from bot.store.keys import keep_tenant
from webhooks.searched import microseconds

_IS_GONE = sa.text("SELECT 1 FROM tenants WHERE tenant = :tenant AND uninstalled_at IS NOT NULL")
_LEFT_BY = sa.text("""
    SELECT tenant FROM tenants WHERE account_id = :account_id AND uninstalled_at IS NOT NULL AND tenant <> :tenant
    ORDER BY uninstalled_at DESC
""")
_SET_ACCOUNT = sa.text("UPDATE tenants SET account_id = :account_id WHERE tenant = :tenant")
_LEAVE_ALL = sa.text("UPDATE repositories SET gone = 1, told_at = 0 WHERE tenant = :tenant")
_SUSPEND = sa.text("""
    UPDATE tenants SET suspended = :suspended, suspension_told_at = :told_at
    WHERE tenant = :tenant AND suspension_told_at <= :told_at
""")
_UNINSTALL = sa.text("UPDATE tenants SET uninstalled_at = :now WHERE tenant = :tenant AND uninstalled_at IS NULL")
_OVERDUE = sa.text("SELECT tenant FROM tenants WHERE uninstalled_at < :before ORDER BY tenant")


def install(connection: sa.Connection, tenant: str, *, account_id: int | None, now: datetime) -> bool:
    """Make an installation known; what an earlier one of the same account left behind becomes its own.

    False when it is gone already: the delivery that says so came first.
    """
    if connection.scalar(_IS_GONE, {"tenant": tenant}):
        return False
    keep_tenant(connection, tenant, now=now)
    left = list(connection.scalars(_LEFT_BY, {"account_id": account_id, "tenant": tenant}))
    for earlier in left:
        move_everything(connection, earlier, tenant)
    if left:
        connection.execute(_LEAVE_ALL, {"tenant": tenant})  # GitHub says anew which ones there are
    connection.execute(_SET_ACCOUNT, {"tenant": tenant, "account_id": account_id})
    return True


def suspend(connection: sa.Connection, tenant: str, *, suspended: bool, told_at: datetime) -> None:
    """Note that an installation is suspended or not, unless something newer is known."""
    row = {"tenant": tenant, "suspended": int(suspended), "told_at": microseconds(told_at)}
    connection.execute(_SUSPEND, row)


def uninstall(connection: sa.Connection, tenant: str, *, account_id: int | None, now: datetime) -> None:
    """Note that an installation is gone for good; what is kept of it stays until it is forgotten."""
    keep_tenant(connection, tenant, now=now)
    connection.execute(_UNINSTALL, {"tenant": tenant, "now": microseconds(now)})
    if account_id is not None:
        connection.execute(_SET_ACCOUNT, {"tenant": tenant, "account_id": account_id})


def uninstalled_before(connection: sa.Connection, before: datetime) -> list[str]:
    """Return the tenants that were uninstalled before a time."""
    return list(connection.scalars(_OVERDUE, {"before": microseconds(before)}))
