"""Tools on what things cost: estimates, fuel, warranties."""

from __future__ import annotations

from typing import Any

from fleetdesk.domain.costs import by_vehicle, estimate
from fleetdesk.domain.fuel import is_suspicious, rank, usage
from fleetdesk.domain.orders import WorkOrder
from fleetdesk.domain.warranty import Cover, cover_of, expiring
from fleetdesk.errors import NotAllowed
from fleetdesk.store.depot import Depot
from fleetdesk.tools.registry import tool
from fleetdesk.tools.schema import ORDER, VEHICLE, whole

MONTH = 31


def _cover(depot: Depot, order: WorkOrder) -> Cover | None:
    vehicle = depot.vehicle(order.vehicle_id)
    warranty = depot.warranty(order.vehicle_id)
    return cover_of(warranty, what=order.what, day=depot.clock.today, odometer=vehicle.odometer)


@tool("estimate_order", "What a work order will cost, line by line, less what a warranty pays.", ORDER)
async def estimate_order(depot: Depot, order_id: str) -> dict[str, Any]:
    order = depot.order(order_id)
    found = estimate(order, depot.parts, _cover(depot, order))
    return {
        "order_id": order_id,
        "lines": [{"what": line.what, "eur": str(line.amount)} for line in found.lines],
        "gross_eur": str(found.gross),
        "covered_eur": str(found.covered),
        "net_eur": str(found.net),
        "small": found.is_small,
    }


@tool("costs_by_vehicle", "What the open orders cost, by vehicle, the dearest first. Takes no arguments.")
async def costs_by_vehicle(depot: Depot) -> dict[str, Any]:
    orders = [order for order in depot.orders.values() if order.is_open]
    estimates = {each.order_id: estimate(each, depot.parts, _cover(depot, each)) for each in orders}
    costs = by_vehicle(estimates, {each.order_id: each.vehicle_id for each in orders})
    return {"vehicles": [{"vehicle_id": name, "eur": str(amount)} for name, amount in costs.items()]}


@tool("fuel_usage", "What a vehicle takes for a hundred kilometres.", VEHICLE)
async def fuel_usage(depot: Depot, vehicle_id: str) -> dict[str, Any]:
    vehicle = depot.vehicle(vehicle_id)
    used = usage(vehicle, depot.fills)
    if used is None:
        raise NotAllowed(f"{vehicle_id} was filled less than twice: nothing can be said")
    return {
        "vehicle_id": vehicle_id,
        "km": used.km,
        "litres": used.litres,
        "litres_per_100_km": used.per_100_km,
        "suspicious": is_suspicious(vehicle, used),
    }


@tool("thirstiest", "The vehicles that take most fuel.", whole("count", "How many of them.", required=False, default=3))
async def thirstiest(depot: Depot, count: int) -> dict[str, Any]:
    found = [used for each in depot.vehicles.values() if (used := usage(each, depot.fills))]
    return {
        "vehicles": [
            {"vehicle_id": each.vehicle_id, "litres_per_100_km": each.per_100_km} for each in rank(found)[:count]
        ]
    }


@tool("ending_warranties", "Warranties that end within a month. Takes no arguments.")
async def ending_warranties(depot: Depot) -> dict[str, Any]:
    soon = expiring(depot.warranties, day=depot.clock.today, within_days=MONTH)
    return {"warranties": [{"vehicle_id": each.vehicle_id, "until": each.until.isoformat()} for each in soon]}


TOOLS = (estimate_order, costs_by_vehicle, fuel_usage, thirstiest, ending_warranties)
