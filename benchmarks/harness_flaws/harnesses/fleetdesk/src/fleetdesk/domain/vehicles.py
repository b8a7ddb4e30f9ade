"""Vehicles: what they are, how far they have gone, when they come in again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from fleetdesk.errors import NotAllowed
from fleetdesk.units import DistanceUnit, from_km, to_km


class Kind(StrEnum):
    """Classes that are maintained alike."""

    VAN = "van"
    TRUCK = "truck"
    SWEEPER = "sweeper"
    CAR = "car"


class VehicleState(StrEnum):
    """Where a vehicle is in its day."""

    IN_SERVICE = "in service"
    IN_WORKSHOP = "in the workshop"
    RESERVE = "in reserve"
    RETIRED = "retired"


#: Kilometres between two services.
SERVICE_INTERVAL_KM = {Kind.VAN: 20_000, Kind.TRUCK: 30_000, Kind.SWEEPER: 8_000, Kind.CAR: 25_000}
#: Days between two services at most.
SERVICE_INTERVAL_DAYS = {Kind.VAN: 365, Kind.TRUCK: 180, Kind.SWEEPER: 120, Kind.CAR: 365}
ALLOWED = {
    VehicleState.IN_SERVICE: {VehicleState.IN_WORKSHOP, VehicleState.RESERVE, VehicleState.RETIRED},
    VehicleState.IN_WORKSHOP: {VehicleState.IN_SERVICE, VehicleState.RESERVE, VehicleState.RETIRED},
    VehicleState.RESERVE: {VehicleState.IN_SERVICE, VehicleState.IN_WORKSHOP, VehicleState.RETIRED},
    VehicleState.RETIRED: set(),
}


@dataclass(frozen=True)
class ServiceRecord:
    """One service that was done."""

    day: date
    #: As the vehicle's own odometer showed it.
    odometer: int
    what: str
    by: str


@dataclass(frozen=True)
class Vehicle:
    """One vehicle of the fleet."""

    vehicle_id: str
    plate: str
    make: str
    kind: Kind
    driver: str
    #: In `unit`: some vehicles were bought in Britain.
    odometer: int
    unit: DistanceUnit = DistanceUnit.KM
    state: VehicleState = VehicleState.IN_SERVICE
    services: tuple[ServiceRecord, ...] = field(default=())

    @property
    def last_service(self) -> ServiceRecord | None:
        return max(self.services, key=lambda record: record.day, default=None)

    def moved_to(self, state: VehicleState) -> Vehicle:
        """Return the vehicle in another state; NotAllowed when it cannot go there."""
        if state not in ALLOWED[self.state]:
            raise NotAllowed(f"{self.vehicle_id} is {self.state} and cannot be {state}")
        return replace(self, state=state)

    def driven(self, odometer: int) -> Vehicle:
        """Return the vehicle with a new reading; an odometer does not run backwards."""
        if odometer < self.odometer:
            raise NotAllowed(f"{self.vehicle_id}: the reading {odometer} is below the last one, {self.odometer}")
        return replace(self, odometer=odometer)

    def serviced(self, record: ServiceRecord) -> Vehicle:
        return replace(self, services=(*self.services, record))


@dataclass(frozen=True)
class NextService:
    """When a vehicle has to come in."""

    vehicle_id: str
    #: In the unit of its own odometer; negative when overdue.
    distance_left: int
    unit: DistanceUnit
    latest_day: date | None

    @property
    def is_overdue(self) -> bool:
        return self.distance_left < 0


def next_service(vehicle: Vehicle) -> NextService:
    """Work out how far a vehicle may still go."""
    last = vehicle.last_service
    since_km = to_km(vehicle.odometer - (last.odometer if last else 0), vehicle.unit)
    left_km = SERVICE_INTERVAL_KM[vehicle.kind] - since_km
    latest = None
    if last is not None:
        latest = date.fromordinal(last.day.toordinal() + SERVICE_INTERVAL_DAYS[vehicle.kind])
    return NextService(
        vehicle_id=vehicle.vehicle_id,
        distance_left=round(from_km(left_km, vehicle.unit)),
        unit=vehicle.unit,
        latest_day=latest,
    )


def workshop(vehicles: list[Vehicle]) -> list[Vehicle]:
    """Return those in the workshop, by name."""
    inside = [vehicle for vehicle in vehicles if vehicle.state is VehicleState.IN_WORKSHOP]
    return sorted(inside, key=lambda vehicle: vehicle.vehicle_id)
