"""Tools on work orders, their plans and their inspections."""

from __future__ import annotations

from typing import Any

from fleetdesk.domain.inspections import Inspection, checklist, unknown_points
from fleetdesk.domain.orders import OrderState, WorkOrder, by_urgency
from fleetdesk.domain.technicians import Trade, first_slot
from fleetdesk.errors import BadArguments, NotAllowed
from fleetdesk.store.depot import Depot
from fleetdesk.tools.registry import tool
from fleetdesk.tools.schema import ORDER, Parameter, text

TRADES = tuple(str(trade) for trade in Trade)
DEFECTS = Parameter("defects", "array", "Points of the checklist that failed.", required=False, default=())


def _shown(order: WorkOrder) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "vehicle_id": order.vehicle_id,
        "what": order.what,
        "state": order.state,
        "priority": order.priority,
        "technician": order.technician,
        "planned_for": order.planned_for.isoformat() if order.planned_for else None,
        "parts": [f"{line.quantity} x {line.part_id}" for line in order.lines],
    }


@tool("get_order", "What a work order is about and how far it is.", ORDER)
async def get_order(depot: Depot, order_id: str) -> dict[str, Any]:
    return _shown(depot.order(order_id))


@tool("open_orders", "The open work orders, the most urgent first. Takes no arguments.")
async def open_orders(depot: Depot) -> dict[str, Any]:
    return {"orders": [_shown(order) for order in by_urgency(list(depot.orders.values()))]}


@tool("plan_order", "Plan an order for the first free slot.", ORDER, text("trade", "Who.", choices=TRADES), writes=True)
async def plan_order(depot: Depot, order_id: str, trade: str) -> dict[str, Any]:
    order = depot.order(order_id)
    slot = first_slot(
        depot.team,
        list(depot.orders.values()),
        trade=Trade(trade),
        kind=depot.vehicle(order.vehicle_id).kind,
        hours=order.hours,
        start=depot.clock.today,
    )
    planned = depot.keep_order(order.planned(slot.technician, slot.day))
    return {"order_id": order_id, "technician": planned.technician, "day": slot.day.isoformat()}


@tool("record_inspection", "Keep the result of looking at a vehicle after work.", ORDER, DEFECTS, writes=True)
async def record_inspection(depot: Depot, order_id: str, defects: list[str]) -> dict[str, Any]:
    order = depot.order(order_id)
    kind = depot.vehicle(order.vehicle_id).kind
    if strange := unknown_points(kind, tuple(defects)):
        raise BadArguments(f"not on the checklist: {', '.join(strange)}; it has {', '.join(checklist(kind))}")
    inspection = Inspection(order_id, order.vehicle_id, depot.clock.today, "assistant", tuple(defects))
    depot.inspections.append(inspection)
    if inspection.lets_go and order.state is OrderState.RUNNING:
        depot.keep_order(order.moved_to(OrderState.INSPECTED))
    return {"order_id": order_id, "outcome": inspection.outcome}


@tool("close_order", "Close a work order; the vehicle may leave.", ORDER, writes=True)
async def close_order(depot: Depot, order_id: str) -> dict[str, Any]:
    order = depot.change_order(order_id, lambda found: found.moved_to(OrderState.CLOSED))
    for hold in depot.stock.held_for(order_id):
        depot.stock.take(hold)
    return {"order_id": order_id, "state": order.state}


@tool("cancel_order", "Cancel a work order; its parts go back.", ORDER, text("why", "The reason."), writes=True)
async def cancel_order(depot: Depot, order_id: str, why: str) -> dict[str, Any]:
    if not why.strip():
        raise NotAllowed("an order is not cancelled without a reason")
    order = depot.change_order(order_id, lambda found: found.moved_to(OrderState.CANCELLED).noted(why))
    for hold in depot.stock.held_for(order_id):
        depot.stock.release(hold)
    return {"order_id": order_id, "state": order.state}


@tool("add_note", "Write a note on a work order.", ORDER, text("note", "The words."), writes=True)
async def add_note(depot: Depot, order_id: str, note: str) -> dict[str, Any]:
    order = depot.change_order(order_id, lambda found: found.noted(note))
    return {"order_id": order_id, "notes": len(order.notes)}


TOOLS = (get_order, open_orders, plan_order, record_inspection, close_order, cancel_order, add_note)
