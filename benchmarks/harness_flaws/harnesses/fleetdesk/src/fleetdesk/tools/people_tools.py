"""Tools on technicians and tyres: who is there, who has time, what has to be changed before the frost."""

from __future__ import annotations

from typing import Any

from fleetdesk.clock import parse_day, week_of
from fleetdesk.domain.orders import workload_hours
from fleetdesk.domain.technicians import free_slots, on_duty
from fleetdesk.domain.tyres import is_worn, replacement, season_of, to_change
from fleetdesk.errors import BadArguments, NotFound
from fleetdesk.store.depot import Depot
from fleetdesk.tools.registry import tool
from fleetdesk.tools.schema import VEHICLE, text

N_SLOTS = 3


@tool("on_duty", "Who works on a day.", text("day", "The date, as 2026-12-31."))
async def get_on_duty(depot: Depot, day: str) -> dict[str, Any]:
    try:
        wanted = parse_day(day)
    except ValueError as error:
        raise BadArguments(f"{day!r} is no date like 2026-12-31") from error
    return {"day": wanted.isoformat(), "week": week_of(wanted), "on_duty": [each.name for each in on_duty(depot.team, wanted)]}


@tool("free_time", "The next days on which a technician has time.", text("technician", "The name."))
async def free_time(depot: Depot, technician: str) -> dict[str, Any]:
    found = next((each for each in depot.team if each.name.lower() == technician.lower()), None)
    if found is None:
        raise NotFound("technician", technician)
    slots = free_slots(found, list(depot.orders.values()), depot.clock.today)[:N_SLOTS]
    return {"technician": found.name, "free": [{"day": each.day.isoformat(), "hours": each.free_hours} for each in slots]}


@tool("workload", "The hours that are planned, by technician. Takes no arguments.")
async def workload(depot: Depot) -> dict[str, Any]:
    return {"hours": workload_hours(list(depot.orders.values()))}


@tool("tyres_to_change", "Vehicles that run on tyres of the wrong season. Takes no arguments.")
async def tyres_to_change(depot: Depot) -> dict[str, Any]:
    return {"season": season_of(depot.clock.today), "vehicles": to_change(depot.tyres, depot.clock.today)}


@tool("tyre_set", "The set of tyres that hangs in the store for a vehicle in this season.", VEHICLE)
async def tyre_set(depot: Depot, vehicle_id: str) -> dict[str, Any]:
    vehicle = depot.vehicle(vehicle_id)
    found = replacement(depot.tyres, vehicle_id, season_of(depot.clock.today))
    if found is None:
        raise NotFound("set of tyres for", vehicle_id)
    return {"set_id": found.set_id, "shelf": found.shelf, "tread_mm": found.tread_mm, "worn": is_worn(found, vehicle.kind)}


TOOLS = (get_on_duty, free_time, workload, tyres_to_change, tyre_set)
