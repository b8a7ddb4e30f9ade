"""Depot: everything that is kept about one depot, in memory, with the time that the real records take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fleetdesk.clock import Clock
from fleetdesk.domain.fuel import Fill
from fleetdesk.domain.inspections import Inspection
from fleetdesk.domain.orders import WorkOrder
from fleetdesk.domain.parts import Part, Stock
from fleetdesk.domain.technicians import Technician
from fleetdesk.domain.tyres import TyreSet
from fleetdesk.domain.vehicles import Vehicle
from fleetdesk.domain.warranty import Warranty
from fleetdesk.errors import NotFound
from fleetdesk.store import seed

T = TypeVar("T")

#: Seconds that the archive takes, which is another system; our own tables answer at once.
ARCHIVE_S = 0.05


@dataclass
class Depot:
    """The records of one depot."""

    name: str
    vehicles: dict[str, Vehicle]
    orders: dict[str, WorkOrder]
    parts: dict[str, Part]
    stock: Stock
    team: list[Technician]
    warranties: list[Warranty]
    tyres: list[TyreSet]
    fills: list[Fill]
    inspections: list[Inspection] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def vehicle(self, vehicle_id: str) -> Vehicle:
        return _get(self.vehicles, vehicle_id, "vehicle")

    def order(self, order_id: str) -> WorkOrder:
        return _get(self.orders, order_id, "work order")

    def part(self, part_id: str) -> Part:
        return _get(self.parts, part_id, "part")

    def warranty(self, vehicle_id: str) -> Warranty | None:
        return next((each for each in self.warranties if each.vehicle_id == vehicle_id), None)

    def keep_vehicle(self, vehicle: Vehicle) -> Vehicle:
        self.vehicles[vehicle.vehicle_id] = vehicle
        return vehicle

    def keep_order(self, order: WorkOrder) -> WorkOrder:
        self.orders[order.order_id] = order
        return order

    def change_order(self, order_id: str, change: Callable[[WorkOrder], WorkOrder]) -> WorkOrder:
        return self.keep_order(change(self.order(order_id)))

    async def service_history(self, vehicle_id: str) -> Vehicle:
        """Return a vehicle with its services, which the archive keeps."""
        vehicle = self.vehicle(vehicle_id)
        await asyncio.sleep(ARCHIVE_S)
        return vehicle


def open_depot(name: str = "North") -> Depot:
    """Return the depot as the records have it this morning."""
    parts, stock = seed.parts()
    return Depot(
        name=name,
        vehicles={each.vehicle_id: each for each in seed.vehicles()},
        orders={each.order_id: each for each in seed.orders()},
        parts={each.part_id: each for each in parts},
        stock=stock,
        team=list(seed.TEAM),
        warranties=list(seed.WARRANTIES),
        tyres=list(seed.TYRES),
        fills=seed.fills(),
    )


def _get(table: dict[str, T], name: str, kind: str) -> T:
    try:
        return table[name]
    except KeyError:
        raise NotFound(kind, name) from None
