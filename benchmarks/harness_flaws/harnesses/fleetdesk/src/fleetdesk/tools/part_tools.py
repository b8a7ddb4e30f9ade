"""Tools on parts and stock."""

from __future__ import annotations

import asyncio
from typing import Any

from fleetdesk.clock import add_working_days
from fleetdesk.domain.orders import Line
from fleetdesk.domain.parts import DELIVERY_DAYS, Supplier, to_order
from fleetdesk.errors import NotAllowed
from fleetdesk.store.depot import Depot
from fleetdesk.tools.registry import tool
from fleetdesk.tools.schema import ORDER, PART, Parameter, flag, whole

#: Seconds that a supplier's order desk takes to answer.
DESK_S = {Supplier.DEPOT: 0.0, Supplier.LOCAL: 0.05, Supplier.MAKER: 2.5}
QUANTITY = Parameter("quantity", "integer", "Pieces.", required=False, default=1)


@tool("part_stock", "How many pieces of a part are left, and what one costs.", PART)
async def part_stock(depot: Depot, part_id: str) -> dict[str, Any]:
    part = depot.part(part_id)
    if part.replaced_by:
        raise NotAllowed(f"{part_id} is no longer sold; {part.replaced_by} replaces it")
    return {
        "part_id": part_id,
        "name": part.name,
        "available": depot.stock.available(part_id),
        "price_eur": str(part.price),
        "fits": list(part.fits) or ["all"],
    }


@tool(
    "reserve_part",
    "Put pieces of a part aside for a work order; with `confirm`, the supplier confirms the delivery of new ones.",
    PART,
    ORDER,
    QUANTITY,
    flag("confirm", "Whether the supplier's order desk is asked, which may take long."),
    writes=True,
)
async def reserve_part(depot: Depot, part_id: str, order_id: str, quantity: int, confirm: bool) -> dict[str, Any]:
    part, order = depot.part(part_id), depot.order(order_id)
    if not order.is_open:
        raise NotAllowed(f"{order_id} is {order.state}")
    hold = depot.stock.hold(part_id, order_id, quantity)
    try:
        if confirm:
            await _ask_order_desk(part.supplier)
        depot.keep_order(order.with_line(Line(part_id, quantity)))
    except BaseException:  # cancelled too: a tool that takes too long must not keep what it put aside
        depot.stock.release(hold)
        raise
    return {"part_id": part_id, "order_id": order_id, "reserved": quantity, "left": depot.stock.available(part_id)}


@tool("delivery_day", "The day on which a part that is ordered today would arrive.", PART)
async def delivery_day(depot: Depot, part_id: str) -> dict[str, Any]:
    part = depot.part(part_id)
    day = add_working_days(depot.clock.today, DELIVERY_DAYS[part.supplier])
    return {"part_id": part_id, "supplier": part.supplier, "day": day.isoformat()}


@tool("shopping_list", "The parts of which more have to be ordered. Takes no arguments.")
async def shopping_list(depot: Depot) -> dict[str, Any]:
    wanted = to_order(depot.parts, depot.stock)
    return {"parts": [{"part_id": part.part_id, "name": part.name, "missing": missing} for part, missing in wanted]}


@tool("receive_part", "Add a delivery to the stock.", PART, whole("pieces", "How many came."), writes=True)
async def receive_part(depot: Depot, part_id: str, pieces: int) -> dict[str, Any]:
    if pieces < 1:
        raise NotAllowed(f"{pieces} pieces are no delivery")
    depot.part(part_id)
    return {"part_id": part_id, "pieces": depot.stock.receive(part_id, pieces)}


async def _ask_order_desk(supplier: Supplier) -> None:
    await asyncio.sleep(DESK_S[supplier])


TOOLS = (part_stock, reserve_part, delivery_day, shopping_list, receive_part)
