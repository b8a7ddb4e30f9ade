"""The depot as it stands on the morning of 1 December 2026: a copy of the workshop's own records."""

from __future__ import annotations

from datetime import date

from fleetdesk.domain.fuel import Fill
from fleetdesk.domain.orders import Line, OrderState, Priority, WorkOrder
from fleetdesk.domain.parts import Part, Stock, Supplier
from fleetdesk.domain.technicians import Technician, Trade
from fleetdesk.domain.tyres import Season, TyreSet
from fleetdesk.domain.vehicles import Kind, ServiceRecord, Vehicle, VehicleState
from fleetdesk.domain.warranty import Cover, Warranty
from fleetdesk.units import DistanceUnit, Money, VolumeUnit

# id, plate, make, kind, driver, odometer, unit, state, last service (day, odometer)
VEHICLES = """
V-101 ND-1101 Sprinter van Okafor 84210 km in_service 2026-03-12 71300
V-102 ND-1102 Sprinter van Lindqvist 61870 km in_workshop 2026-05-04 49900
V-103 ND-1103 Transit van Moreau 42055 mi in_service 2026-02-19 33210
V-104 ND-1104 Transit van Haddad 30120 mi in_service 2026-07-01 24075
V-105 ND-1105 Actros truck Petrov 210440 km in_service 2026-08-15 190100
V-106 ND-1106 Actros truck Nakamura 188020 km in_workshop 2026-06-20 161500
V-107 ND-1107 Leyland truck Svensson 97310 mi in_service 2026-09-10 84120
V-108 ND-1108 CityCat sweeper Ferrari 22180 km in_service 2026-10-02 17050
V-109 ND-1109 CityCat sweeper Ortega 19870 km reserve 2026-09-21 14400
V-110 ND-1110 Golf car Kimura 54600 km in_service 2026-04-11 38700
V-111 ND-1111 Golf car Novak 47210 km in_service 2026-01-30 29900
V-112 ND-1112 Vauxhall car Brennan 28740 mi in_service 2026-05-22 17655
V-113 ND-1113 Sprinter van Adeyemi 39400 km in_service 2026-08-08 27800
V-114 ND-1114 Transit van Costa 51980 mi reserve 2026-03-03 42790
V-115 ND-1115 CityCat sweeper Weiss 9120 km in_workshop 2026-07-17 3980
V-116 ND-1116 Actros truck Dubois 143300 km in_service 2026-09-29 131050
"""

# id, vehicle, hours, priority, state, parts, what
ORDERS = """
WO-11 V-101 2.5 normal planned P-119x2 replace the front brake pads
WO-12 V-102 4.0 high running P-131x1,P-140x4 repair the cooling
WO-13 V-103 1.0 low draft - look for a rattle in the door
WO-14 V-105 6.0 normal running P-150x1 renew the coupling
WO-15 V-106 8.0 standstill running P-151x1 replace the alternator
WO-16 V-108 3.0 normal planned P-160x2 change the brushes
WO-17 V-110 1.5 normal running P-120x1 replace the wipers
WO-18 V-112 2.0 high planned P-141x1 renew the battery
WO-19 V-115 5.5 high running P-161x1 seal the hydraulics
WO-20 V-116 0.5 low planned - reset the tachograph
WO-21 V-104 3.5 normal running P-121x2 replace the shock absorbers
WO-22 V-107 7.0 standstill planned P-152x1 repair the gearbox
"""

# id, price, supplier, minimum, pieces, fits, replaced by, name
PARTS = """
P-118 38.00 depot 0 0 Sprinter P-119 brake pads, old pattern
P-119 41.50 depot 2 4 Sprinter - brake pads
P-120 12.90 local 4 6 Golf - wiper blades
P-121 88.00 maker 2 2 Transit - shock absorber
P-131 145.00 maker 1 1 Sprinter - water pump
P-140 6.20 depot 8 20 - - hose clamp
P-141 119.00 local 1 3 Vauxhall - battery
P-150 610.00 maker 0 1 Actros - coupling head
P-151 402.75 maker 1 1 Actros - alternator
P-152 1290.00 maker 0 0 Leyland - gearbox
P-160 57.40 depot 4 8 CityCat - disc brush
P-161 73.15 maker 1 1 CityCat - hydraulic seal kit
P-170 33.30 local 2 5 Transit - brake pads
P-171 29.95 local 2 3 Golf - brake pads
P-172 96.00 maker 2 2 Actros - brake pads
"""

# vehicle, day, volume, unit, odometer, price
FILLS = """
V-101 2026-11-03 61.2 l 83010 98.53
V-101 2026-11-14 58.9 l 83620 94.83
V-101 2026-11-26 56.0 l 84190 90.16
V-103 2026-11-05 11.4 gal 41390 83.44
V-103 2026-11-19 12.1 gal 41760 88.57
V-105 2026-11-02 310.0 l 208900 499.10
V-105 2026-11-16 298.5 l 209990 480.59
V-108 2026-11-04 80.5 l 21770 129.61
V-108 2026-11-18 92.0 l 22040 148.12
V-110 2026-11-06 39.0 l 53350 63.18
V-110 2026-11-24 41.3 l 54010 66.91
V-112 2026-11-09 8.1 gal 28310 59.29
V-112 2026-11-25 8.4 gal 28655 61.49
"""

TEAM = (
    Technician(
        "Aalto", frozenset({Trade.MECHANIC, Trade.HYDRAULICS}), frozenset({Kind.VAN, Kind.SWEEPER, Kind.TRUCK})
    ),
    Technician("Bakker", frozenset({Trade.MECHANIC}), frozenset({Kind.VAN, Kind.CAR}), frozenset({date(2026, 12, 2)})),
    Technician("Cissé", frozenset({Trade.ELECTRICIAN}), frozenset(Kind)),
    Technician("Dimitriou", frozenset({Trade.MECHANIC, Trade.BODY}), frozenset({Kind.TRUCK, Kind.CAR})),
)

WARRANTIES = (
    Warranty("V-102", date(2027, 3, 1), 100_000, Cover(parts=True, labour=False), ("brake", "wiper")),
    Warranty("V-115", date(2027, 6, 30), 20_000, Cover(parts=True, labour=True), ("brush",)),
    Warranty("V-116", date(2026, 12, 20), 160_000, Cover(parts=True, labour=False)),
    Warranty("V-113", date(2027, 1, 15), 60_000, Cover(parts=True, labour=True), ("tyre", "brake")),
)

TYRES = (
    TyreSet("T-01", "V-101", Season.SUMMER, 5.1),
    TyreSet("T-02", "V-101", Season.WINTER, 6.4, shelf="A3"),
    TyreSet("T-03", "V-104", Season.SUMMER, 2.8),
    TyreSet("T-04", "V-104", Season.WINTER, 7.0, shelf="A5"),
    TyreSet("T-05", "V-110", Season.WINTER, 4.9),
    TyreSet("T-06", "V-111", Season.SUMMER, 3.3),
    TyreSet("T-07", "V-111", Season.WINTER, 5.8, shelf="B1"),
    TyreSet("T-08", "V-105", Season.ALL_YEAR, 9.2),
    TyreSet("T-09", "V-113", Season.ALL_YEAR, 6.0),
)


def vehicles() -> list[Vehicle]:
    """Read the vehicles."""
    found = []
    for line in VEHICLES.strip().splitlines():
        name, plate, make, kind, driver, odometer, unit, state, day, at = line.split()
        record = ServiceRecord(date.fromisoformat(day), int(at), "yearly service", "Aalto")
        found.append(
            Vehicle(
                vehicle_id=name,
                plate=plate,
                make=make,
                kind=Kind(kind),
                driver=driver,
                odometer=int(odometer),
                unit=DistanceUnit(unit),
                state=VehicleState[state.upper()],
                services=(record,),
            )
        )
    return found


def orders() -> list[WorkOrder]:
    """Read the work orders."""
    found = []
    for line in ORDERS.strip().splitlines():
        name, vehicle, hours, priority, state, parts, what = line.split(maxsplit=6)
        lines = [] if parts == "-" else [each.split("x") for each in parts.split(",")]
        found.append(
            WorkOrder(
                order_id=name,
                vehicle_id=vehicle,
                what=what,
                hours=float(hours),
                priority=Priority(priority),
                state=OrderState(state),
                lines=tuple(Line(part, int(quantity)) for part, quantity in lines),
            )
        )
    return found


def parts() -> tuple[list[Part], Stock]:
    """Read the parts and how many there are."""
    found, pieces = [], {}
    for line in PARTS.strip().splitlines():
        name, price, supplier, minimum, count, fits, replaced_by, words = line.split(maxsplit=7)
        found.append(
            Part(
                part_id=name,
                name=words,
                price=Money.of(price),
                supplier=Supplier[supplier.upper()],
                minimum=int(minimum),
                fits=() if fits == "-" else (fits,),
                replaced_by=None if replaced_by == "-" else replaced_by,
            )
        )
        pieces[name] = int(count)
    return found, Stock(pieces)


def fills() -> list[Fill]:
    """Read the fuel that was filled in."""
    found = []
    for line in FILLS.strip().splitlines():
        vehicle, day, volume, unit, odometer, price = line.split()
        found.append(
            Fill(
                vehicle_id=vehicle,
                day=date.fromisoformat(day),
                volume=float(volume),
                unit=VolumeUnit(unit),
                odometer=int(odometer),
                price=Money.of(price),
            )
        )
    return found
