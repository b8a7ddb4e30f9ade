"""Technicians: what they can, when they work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fleetdesk.clock import working_days
from fleetdesk.domain.orders import WorkOrder
from fleetdesk.domain.vehicles import Kind
from fleetdesk.errors import ShiftFull

HOURS_A_DAY = 8.0
DAYS_AHEAD = 15


class Trade(StrEnum):
    """What a technician is trained for."""

    MECHANIC = "mechanic"
    ELECTRICIAN = "electrician"
    BODY = "body builder"
    HYDRAULICS = "hydraulics"


@dataclass(frozen=True)
class Technician:
    """One member of the workshop."""

    name: str
    trades: frozenset[Trade]
    kinds: frozenset[Kind]
    #: Days off.
    away: frozenset[date] = frozenset()

    def can_do(self, trade: Trade, kind: Kind) -> bool:
        return trade in self.trades and kind in self.kinds


@dataclass(frozen=True)
class Slot:
    """A day on which somebody has time."""

    technician: str
    day: date
    free_hours: float


def booked_hours(orders: list[WorkOrder], name: str, day: date) -> float:
    """Return what a technician has to do on a day."""
    return sum(
        order.hours for order in orders if order.is_open and order.technician == name and order.planned_for == day
    )


def free_slots(technician: Technician, orders: list[WorkOrder], start: date) -> list[Slot]:
    """Return the days ahead on which the technician has time, with how much."""
    slots = []
    for _, day in zip(range(DAYS_AHEAD), working_days(start), strict=False):
        if day in technician.away:
            continue
        free = HOURS_A_DAY - booked_hours(orders, technician.name, day)
        if free > 0:
            slots.append(Slot(technician.name, day, free))
    return slots


def first_slot(
    team: list[Technician],
    orders: list[WorkOrder],
    *,
    trade: Trade,
    kind: Kind,
    hours: float,
    start: date,
) -> Slot:
    """Return the earliest day on which somebody who can do the work has the time for it.

    Of several who could, the one with more time left gets it. ShiftFull when nobody can.
    """
    able = [each for each in team if each.can_do(trade, kind)]
    slots = [slot for each in able for slot in free_slots(each, orders, start) if slot.free_hours >= hours]
    if not slots:
        raise ShiftFull(f"nobody has {hours:g} hours for a {kind} ({trade}) within {DAYS_AHEAD} working days")
    return min(slots, key=lambda slot: (slot.day, -slot.free_hours, slot.technician))


def on_duty(team: list[Technician], day: date) -> list[Technician]:
    """Return who works on a day."""
    return sorted((each for each in team if day not in each.away), key=lambda each: each.name)
