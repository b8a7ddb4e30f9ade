"""Tyres: tread, season, and which set hangs where in the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fleetdesk.domain.vehicles import Kind

#: Millimetres of tread below which a tyre is changed.
LIMIT_MM = {Kind.VAN: 3.0, Kind.TRUCK: 4.0, Kind.SWEEPER: 3.0, Kind.CAR: 2.5}
WINTER_FROM = (10, 15)
WINTER_TO = (4, 15)


class Season(StrEnum):
    """What a tyre is made for."""

    SUMMER = "summer"
    WINTER = "winter"
    ALL_YEAR = "all-year"


@dataclass(frozen=True)
class TyreSet:
    """Four tyres and more, that are changed together."""

    set_id: str
    vehicle_id: str
    season: Season
    #: The least of them.
    tread_mm: float
    #: Shelf in the store; None while they are on the vehicle.
    shelf: str | None = None

    @property
    def is_mounted(self) -> bool:
        return self.shelf is None


def season_of(day: date) -> Season:
    """Return which tyres the rules ask for on a day."""
    winter = (day.month, day.day) >= WINTER_FROM or (day.month, day.day) < WINTER_TO
    return Season.WINTER if winter else Season.SUMMER


def is_worn(tyres: TyreSet, kind: Kind) -> bool:
    return tyres.tread_mm < LIMIT_MM[kind]


def to_change(sets: list[TyreSet], day: date) -> list[str]:
    """Return the vehicles that run on tyres of the wrong season."""
    wanted = season_of(day)
    wrong = [each for each in sets if each.is_mounted and each.season not in {wanted, Season.ALL_YEAR}]
    return sorted(each.vehicle_id for each in wrong)


def replacement(sets: list[TyreSet], vehicle_id: str, season: Season) -> TyreSet | None:
    """Return the set that hangs in the store for a vehicle, the best tread first."""
    own = [each for each in sets if each.vehicle_id == vehicle_id and not each.is_mounted and each.season is season]
    return max(own, key=lambda each: each.tread_mm, default=None)
