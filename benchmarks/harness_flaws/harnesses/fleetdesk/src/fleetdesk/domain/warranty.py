"""Warranties: what the maker still pays for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Cover:
    """What a warranty pays."""

    parts: bool
    labour: bool


@dataclass(frozen=True)
class Warranty:
    """The maker's promise for one vehicle."""

    vehicle_id: str
    until: date
    #: As the vehicle's odometer shows it.
    up_to: int
    cover: Cover
    #: Words that exclude a job: "tyre", "wiper".
    excludes: tuple[str, ...] = ()


def cover_of(warranty: Warranty | None, *, what: str, day: date, odometer: int) -> Cover | None:
    """Return what is paid of a job on a day, None when nothing is."""
    if warranty is None or day > warranty.until or odometer > warranty.up_to:
        return None
    if any(word in what.lower() for word in warranty.excludes):
        return None
    return warranty.cover


def expiring(warranties: list[Warranty], *, day: date, within_days: int) -> list[Warranty]:
    """Return those that end soon, the first to end first."""
    soon = [each for each in warranties if 0 <= (each.until - day).days <= within_days]
    return sorted(soon, key=lambda each: (each.until, each.vehicle_id))
