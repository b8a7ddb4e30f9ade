"""What the model is told about the tools."""

from typing import Any


def _function(name: str, description: str, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


ORDER_ID = {"type": "string", "description": "Order number, such as A-1000", "pattern": "^A-[0-9]{4}$"}
EMAIL = {"type": "string", "description": "The e-mail address that the customer states"}

TOOLS: list[dict[str, Any]] = [
    _function(
        "get_order",
        "Get the items, total and status of an order. Without an order number: the order the conversation is about.",
        [],
        order_id=ORDER_ID,
    ),
    _function(
        "list_orders",
        "List the orders of the customer with this e-mail address.",
        ["email"],
        email=EMAIL,
    ),
    _function(
        "track_shipment",
        "Get the carrier, the tracking number and the expected day of delivery of an order.",
        ["order_id"],
        order_id=ORDER_ID,
    ),
    _function(
        "search_catalog",
        "Search the catalogue by words in an item's name or description.",
        ["query"],
        query={"type": "string", "description": "One or two words"},
    ),
    _function(
        "verify_identity",
        "Check that an e-mail address belongs to the customer who placed the order.",
        ["order_id", "email"],
        order_id=ORDER_ID,
        email=EMAIL,
    ),
    _function(
        "issue_refund",
        "Pay money back for an order.",
        ["order_id", "amount", "reason"],
        order_id=ORDER_ID,
        amount={"type": "string", "description": "How much to pay back"},
        reason={"type": "string", "description": "Why the customer wants the money back"},
    ),
    _function(
        "change_address",
        "Change the delivery address of an order that has not been shipped.",
        ["order_id", "address"],
        order_id=ORDER_ID,
        address={"type": "string", "description": "Street, number, postcode and town"},
    ),
]
