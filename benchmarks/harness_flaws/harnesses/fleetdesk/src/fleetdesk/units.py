"""Units: kilometres inside, whatever the vehicle's instruments show outside; money in cents inside."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Self

KM_PER_MILE = 1.609344
LITRES_PER_GALLON = 4.54609  # the imperial one
CENTS = 100


class DistanceUnit(StrEnum):
    """What an odometer counts."""

    KM = "km"
    MILES = "mi"


class VolumeUnit(StrEnum):
    """What a pump counts."""

    LITRES = "l"
    GALLONS = "gal"


def to_km(value: float, unit: DistanceUnit) -> float:
    """Return a distance in kilometres."""
    return value * KM_PER_MILE if unit is DistanceUnit.MILES else value


def from_km(km: float, unit: DistanceUnit) -> float:
    """Return kilometres in another unit."""
    return km / KM_PER_MILE if unit is DistanceUnit.MILES else km


def to_litres(value: float, unit: VolumeUnit) -> float:
    """Return a volume in litres."""
    return value * LITRES_PER_GALLON if unit is VolumeUnit.GALLONS else value


def consumption(litres: float, km: float) -> float:
    """Return litres for a hundred kilometres; 0 when nothing was driven."""
    return round(litres / km * 100, 1) if km > 0 else 0.0


@dataclass(frozen=True, order=True)
class Money:
    """An amount of euros, exact to the cent."""

    cents: int = 0

    @classmethod
    def of(cls, euros: str | int | float | Decimal) -> Self:
        """Make an amount from euros, rounded half up."""
        exact = Decimal(str(euros)) * CENTS
        return cls(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - other.cents)

    def times(self, factor: float | Decimal) -> Money:
        """Multiply, rounded half up to the cent."""
        exact = Decimal(self.cents) * Decimal(str(factor))
        return Money(int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)))

    def __str__(self) -> str:
        sign = "-" if self.cents < 0 else ""
        return f"{sign}{abs(self.cents) // CENTS}.{abs(self.cents) % CENTS:02d}"


def total(amounts: list[Money]) -> Money:
    """Add up."""
    return Money(sum(amount.cents for amount in amounts))
