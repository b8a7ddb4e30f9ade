"""Fuel: what was filled in, and what a vehicle takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fleetdesk.domain.vehicles import Vehicle
from fleetdesk.units import Money, VolumeUnit, consumption, to_km, to_litres

#: A vehicle that takes this much more than its class is looked at.
SUSPICIOUS = 1.3
TYPICAL = {"van": 9.8, "truck": 27.0, "sweeper": 34.0, "car": 6.2}


@dataclass(frozen=True)
class Fill:
    """One time at the pump."""

    vehicle_id: str
    day: date
    volume: float
    unit: VolumeUnit
    #: The vehicle's own odometer.
    odometer: int
    price: Money

    @property
    def litres(self) -> float:
        return to_litres(self.volume, self.unit)


@dataclass(frozen=True)
class Usage:
    """What a vehicle took over a distance."""

    vehicle_id: str
    km: float
    litres: float
    cost: Money

    @property
    def per_100_km(self) -> float:
        return consumption(self.litres, self.km)


def usage(vehicle: Vehicle, fills: list[Fill]) -> Usage | None:
    """Return what was taken between the first fill and the last one; None with fewer than two.

    The first fill only tells where counting begins: what went in then was driven before.
    """
    own = sorted((each for each in fills if each.vehicle_id == vehicle.vehicle_id), key=lambda each: each.odometer)
    if len(own) < 2:
        return None
    km = to_km(own[-1].odometer - own[0].odometer, vehicle.unit)
    litres = sum(each.litres for each in own[1:])
    cost = Money(sum(each.price.cents for each in own[1:]))
    return Usage(vehicle_id=vehicle.vehicle_id, km=round(km, 1), litres=round(litres, 1), cost=cost)


def is_suspicious(vehicle: Vehicle, used: Usage) -> bool:
    """Whether the vehicle takes much more than others of its kind."""
    return used.per_100_km > TYPICAL[vehicle.kind] * SUSPICIOUS


def rank(usages: list[Usage]) -> list[Usage]:
    """Return the thirstiest first."""
    return sorted(usages, key=lambda each: (-each.per_100_km, each.vehicle_id))
