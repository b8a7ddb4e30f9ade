"""Render: the records of a depot as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleetdesk.domain.orders import by_urgency
from fleetdesk.domain.parts import to_order
from fleetdesk.domain.vehicles import next_service
from fleetdesk.store.depot import Depot

GAP = "  "


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows below a head, each column as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [list(head), *cells]) for place in range(len(head))]
    lines = [_line(head, widths), _line(["-" * width for width in widths], widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in cells)])


def vehicles(depot: Depot) -> str:
    rows = []
    for vehicle in sorted(depot.vehicles.values(), key=lambda each: each.vehicle_id):
        due = next_service(vehicle)
        left = "overdue" if due.is_overdue else f"{due.distance_left} {due.unit}"
        rows.append((vehicle.vehicle_id, vehicle.make, vehicle.driver, vehicle.state, left))
    return table(("vehicle", "make", "driver", "state", "next service"), rows)


def orders(depot: Depot) -> str:
    urgent = by_urgency(list(depot.orders.values()))
    rows = [(each.order_id, each.vehicle_id, each.priority, each.state, each.what) for each in urgent]
    return table(("order", "vehicle", "priority", "state", "what"), rows)


def shopping(depot: Depot) -> str:
    rows = [(part.part_id, part.name, missing, part.supplier) for part, missing in to_order(depot.parts, depot.stock)]
    return table(("part", "name", "missing", "supplier"), rows)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
