"""The tools that the agent may call, on the shop's database."""

import inspect
import sqlite3
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from support_agent import memory

REFUND_REASONS = ("damaged", "late", "wrong_item", "changed_mind")

ORDER_QUERY = """
SELECT orders.*, products.name AS item, products.cents * orders.quantity AS total_cents, customers.email
FROM orders JOIN products ON products.sku = orders.sku JOIN customers ON customers.id = orders.customer_id
"""


class ToolError(Exception):
    """The tool refuses; the message is for the model."""


class Tools(Protocol):
    """Runs a tool by its name."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> object: ...


class Toolbox:
    """The shop's tools for one customer who is signed in, or for nobody in particular."""

    def __init__(self, connection: sqlite3.Connection, *, customer_id: str | None = None) -> None:
        self.connection = connection
        self.customer_id = customer_id

    def call(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Run the tool; what it refuses is raised as ToolError."""
        tool = find_tool(name)
        if tool is None:
            raise ToolError(f"no such tool: {name}")
        try:
            inspect.signature(tool).bind(self, **arguments)
        except TypeError as error:
            raise ToolError(f"cannot call {name}: {error}") from error
        return tool(self, **arguments)

    def get_order(self, order_id: str | None = None) -> dict[str, Any]:
        wanted = order_id or memory.recall("order_id") or self._latest_order()
        order = self._order(wanted)
        memory.remember("order_id", order["id"])
        return {
            "order_id": order["id"],
            "item": order["item"],
            "quantity": order["quantity"],
            "total": _amount(order["total_cents"]),
            "status": order["status"],
            "placed_on": order["placed_on"],
            "refunded": _amount(order["refunded_cents"]),
        }

    def list_orders(self, email: str) -> dict[str, Any]:
        rows = self.connection.execute(f"{ORDER_QUERY} WHERE email = ? ORDER BY placed_on", (email.lower(),)).fetchall()
        if not rows:
            raise ToolError(f"no customer has the address {email}")
        orders = [{"order_id": row["id"], "item": row["item"], "status": row["status"]} for row in rows]
        return {"email": email, "orders": orders}

    def track_shipment(self, order_id: str) -> dict[str, Any]:
        order = self._order(order_id)
        memory.remember("order_id", order["id"])
        return {
            "order_id": order["id"],
            "status": order["status"],
            "carrier": order["carrier"],
            "tracking_number": order["tracking_number"],
            "expected_on": order["expected_on"],
        }

    def search_catalog(self, query: str) -> dict[str, Any]:
        pattern = f"%{query.strip().lower()}%"
        rows = self.connection.execute(
            "SELECT * FROM products WHERE name LIKE ? OR description LIKE ? ORDER BY sku", (pattern, pattern)
        )
        items = [
            {"sku": r["sku"], "name": r["name"], "about": r["description"], "price": _amount(r["cents"])} for r in rows
        ]
        return {"query": query, "items": items}

    def verify_identity(self, order_id: str, email: str) -> dict[str, Any]:
        order = self._order(order_id)
        return {"order_id": order_id, "verified": order["email"] == email.strip().lower()}

    def issue_refund(self, order_id: str, amount: str, reason: str) -> dict[str, Any]:
        order = self._order(order_id)
        cents = _cents(amount)
        if reason not in REFUND_REASONS:
            raise ToolError(f"unknown reason: {reason!r}")
        if cents > order["total_cents"] - order["refunded_cents"]:
            raise ToolError(f"order {order_id} has only {_amount(order['total_cents'])} to refund")
        self.connection.execute(
            "UPDATE orders SET refunded_cents = refunded_cents + ?, refund_reason = ? WHERE id = ?",
            (cents, reason, order_id),
        )
        return {"order_id": order_id, "refunded": _amount(cents), "reason": reason}

    def change_address(self, order_id: str, address: str) -> dict[str, Any]:
        order = self._order(order_id)
        if order["status"] != "processing":
            raise ToolError(f"order {order_id} is {order['status']}: its address cannot be changed")
        self.connection.execute("UPDATE orders SET address = ? WHERE id = ?", (address, order_id))
        return {"order_id": order_id, "address": address}

    def _order(self, order_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self.connection.execute(f"{ORDER_QUERY} WHERE orders.id = ?", (order_id,)).fetchone()
        if row is None:
            raise ToolError(f"no order {order_id}")
        return row

    def _latest_order(self) -> str:
        row = self.connection.execute(
            "SELECT id FROM orders WHERE customer_id = ? ORDER BY placed_on DESC, id DESC", (self.customer_id,)
        ).fetchone()
        if row is None:
            raise ToolError("which order? Nobody is signed in")
        return str(row["id"])


TOOL_NAMES = (
    "get_order",
    "list_orders",
    "track_shipment",
    "search_catalog",
    "verify_identity",
    "issue_refund",
    "change_address",
)


def find_tool(name: str) -> Callable[..., Any] | None:
    """Return the Toolbox method that implements the tool, or None."""
    return getattr(Toolbox, name) if name in TOOL_NAMES else None


def _cents(amount: str) -> int:
    try:
        value = Decimal(str(amount))
    except InvalidOperation as error:
        raise ToolError(f"invalid amount: {amount!r}") from error
    if value <= 0:
        raise ToolError(f"invalid amount: {amount!r}")
    return int(value * 100)


def _amount(cents: int) -> str:
    return f"{cents / 100:.2f} EUR"
