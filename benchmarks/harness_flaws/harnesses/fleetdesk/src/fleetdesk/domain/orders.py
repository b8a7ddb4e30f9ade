"""Work orders: what is to be done on a vehicle, by whom, with which parts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from fleetdesk.errors import NotAllowed


class OrderState(StrEnum):
    """A work order goes down this list, or is cancelled."""

    DRAFT = "draft"
    PLANNED = "planned"
    RUNNING = "running"
    INSPECTED = "inspected"
    CLOSED = "closed"
    CANCELLED = "cancelled"


NEXT = {
    OrderState.DRAFT: {OrderState.PLANNED, OrderState.CANCELLED},
    OrderState.PLANNED: {OrderState.RUNNING, OrderState.CANCELLED},
    OrderState.RUNNING: {OrderState.INSPECTED, OrderState.CLOSED, OrderState.CANCELLED},
    OrderState.INSPECTED: {OrderState.CLOSED, OrderState.RUNNING},
    OrderState.CLOSED: set(),
    OrderState.CANCELLED: set(),
}


class Priority(StrEnum):
    """How much it hurts that the vehicle stands."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    STANDSTILL = "standstill"


RANK = {Priority.STANDSTILL: 0, Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}


@dataclass(frozen=True)
class Line:
    """A part that the order needs."""

    part_id: str
    quantity: int


@dataclass(frozen=True)
class WorkOrder:
    """One order."""

    order_id: str
    vehicle_id: str
    what: str
    hours: float
    priority: Priority = Priority.NORMAL
    state: OrderState = OrderState.DRAFT
    lines: tuple[Line, ...] = field(default=())
    technician: str | None = None
    planned_for: date | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def is_open(self) -> bool:
        return self.state not in {OrderState.CLOSED, OrderState.CANCELLED}

    def moved_to(self, state: OrderState) -> WorkOrder:
        """Return the order in another state; NotAllowed when it cannot go there."""
        if state not in NEXT[self.state]:
            raise NotAllowed(f"{self.order_id} is {self.state} and cannot be {state}")
        return replace(self, state=state)

    def planned(self, technician: str, day: date) -> WorkOrder:
        order = self if self.state is OrderState.PLANNED else self.moved_to(OrderState.PLANNED)
        return replace(order, technician=technician, planned_for=day)

    def noted(self, note: str) -> WorkOrder:
        return replace(self, notes=(*self.notes, note))

    def with_line(self, line: Line) -> WorkOrder:
        """Return the order with a part added; more of the same part is one line."""
        if not self.is_open:
            raise NotAllowed(f"{self.order_id} is {self.state}")
        quantity = line.quantity + sum(each.quantity for each in self.lines if each.part_id == line.part_id)
        others = tuple(each for each in self.lines if each.part_id != line.part_id)
        return replace(self, lines=(*others, Line(line.part_id, quantity)))


def by_urgency(orders: list[WorkOrder]) -> list[WorkOrder]:
    """Return the open orders, the most urgent first."""
    return sorted((order for order in orders if order.is_open), key=lambda each: (RANK[each.priority], each.order_id))


def of_vehicle(orders: list[WorkOrder], vehicle_id: str) -> list[WorkOrder]:
    """Return a vehicle's orders, the newest last."""
    return sorted((order for order in orders if order.vehicle_id == vehicle_id), key=lambda each: each.order_id)


def workload_hours(orders: list[WorkOrder]) -> dict[str, float]:
    """Return the hours that are planned, by technician."""
    hours: dict[str, float] = {}
    for order in orders:
        if order.is_open and order.technician:
            hours[order.technician] = hours.get(order.technician, 0.0) + order.hours
    return hours
