"""Tools on vehicles."""

from __future__ import annotations

from typing import Any

from fleetdesk.domain.vehicles import VehicleState, next_service, workshop
from fleetdesk.store.depot import Depot
from fleetdesk.store.search import find
from fleetdesk.tools.registry import tool
from fleetdesk.tools.schema import VEHICLE, text, whole


@tool("get_vehicle", "What is known of a vehicle: make, driver, state, odometer.", VEHICLE)
async def get_vehicle(depot: Depot, vehicle_id: str) -> dict[str, Any]:
    vehicle = depot.vehicle(vehicle_id)
    return {
        "vehicle_id": vehicle.vehicle_id,
        "plate": vehicle.plate,
        "make": vehicle.make,
        "kind": vehicle.kind,
        "driver": vehicle.driver,
        "state": vehicle.state,
        "odometer": f"{vehicle.odometer} {vehicle.unit}",
    }


@tool("service_history", "The services that a vehicle has had.", VEHICLE)
async def service_history(depot: Depot, vehicle_id: str) -> dict[str, Any]:
    vehicle = await depot.service_history(vehicle_id)
    services = [{"day": each.day.isoformat(), "what": each.what, "by": each.by} for each in vehicle.services]
    return {"vehicle_id": vehicle_id, "services": services}


@tool("next_service", "How far a vehicle may still go before its next service, in its odometer's unit.", VEHICLE)
async def get_next_service(depot: Depot, vehicle_id: str) -> dict[str, Any]:
    found = next_service(depot.vehicle(vehicle_id))
    return {
        "vehicle_id": vehicle_id,
        "distance_left": found.distance_left,
        "unit": found.unit,
        "latest_day": found.latest_day.isoformat() if found.latest_day else None,
        "overdue": found.is_overdue,
    }


@tool("list_workshop", "The vehicles that are in the workshop now. Takes no arguments.")
async def list_workshop(depot: Depot) -> dict[str, Any]:
    inside = workshop(list(depot.vehicles.values()))
    return {"count": len(inside), "vehicles": [each.vehicle_id for each in inside]}


@tool("record_odometer", "Keep a new odometer reading.", VEHICLE, whole("reading", "What it shows."), writes=True)
async def record_odometer(depot: Depot, vehicle_id: str, reading: int) -> dict[str, Any]:
    vehicle = depot.keep_vehicle(depot.vehicle(vehicle_id).driven(reading))
    return {"vehicle_id": vehicle_id, "odometer": f"{vehicle.odometer} {vehicle.unit}"}


STATES = tuple(str(state) for state in VehicleState)


@tool("move_vehicle", "Put a vehicle into another state.", VEHICLE, text("state", "Which.", choices=STATES), writes=True)
async def move_vehicle(depot: Depot, vehicle_id: str, state: str) -> dict[str, Any]:
    vehicle = depot.keep_vehicle(depot.vehicle(vehicle_id).moved_to(VehicleState(state)))
    return {"vehicle_id": vehicle_id, "state": vehicle.state}


@tool("find", "Find vehicles, orders and parts by words.", text("words", "What people call it."))
async def find_by_words(depot: Depot, words: str) -> dict[str, Any]:
    return {"found": [{"kind": hit.kind, "name": hit.name, "words": hit.words} for hit in find(depot, words)]}


TOOLS = (get_vehicle, service_history, get_next_service, list_workshop, record_odometer, move_vehicle, find_by_words)
