"""Inspections: a vehicle leaves the workshop only after somebody has looked at it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fleetdesk.domain.vehicles import Kind


class Outcome(StrEnum):
    """What an inspection found."""

    PASSED = "passed"
    MINOR = "minor defects"
    FAILED = "failed"


CHECKS: dict[Kind, tuple[str, ...]] = {
    Kind.VAN: ("brakes", "lights", "steering", "tyres", "doors"),
    Kind.TRUCK: ("brakes", "lights", "steering", "tyres", "coupling", "tachograph"),
    Kind.SWEEPER: ("brakes", "lights", "brushes", "hydraulics", "water"),
    Kind.CAR: ("brakes", "lights", "steering", "tyres"),
}
#: Points that may be repaired later.
MINOR_POINTS = frozenset({"doors", "water", "lights"})


@dataclass(frozen=True)
class Inspection:
    """One look at a vehicle."""

    order_id: str
    vehicle_id: str
    day: date
    by: str
    defects: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if not self.defects:
            return Outcome.PASSED
        return Outcome.MINOR if set(self.defects) <= MINOR_POINTS else Outcome.FAILED

    @property
    def lets_go(self) -> bool:
        return self.outcome is not Outcome.FAILED


def checklist(kind: Kind) -> list[str]:
    """Return what is looked at, in order."""
    return list(CHECKS[kind])


def unknown_points(kind: Kind, defects: tuple[str, ...]) -> list[str]:
    """Return the defects that are not on the list of that kind of vehicle."""
    return [point for point in defects if point not in CHECKS[kind]]


def latest(inspections: list[Inspection], order_id: str) -> Inspection | None:
    """Return the last inspection of an order."""
    of_order = [each for each in inspections if each.order_id == order_id]
    return of_order[-1] if of_order else None
