"""What work costs: labour by priority, parts with a markup, the depot's share."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fleetdesk.domain.orders import Priority, WorkOrder
from fleetdesk.domain.parts import Part
from fleetdesk.domain.warranty import Cover
from fleetdesk.errors import NotFound
from fleetdesk.units import Money, total

HOURLY = Money.of("68.50")
#: Work that cannot wait is done after hours.
SURCHARGE = {
    Priority.LOW: Decimal(1),
    Priority.NORMAL: Decimal(1),
    Priority.HIGH: Decimal("1.15"),
    Priority.STANDSTILL: Decimal("1.5"),
}
#: What the store adds to a part's price.
MARKUP = Decimal("1.08")
#: Work below this is not charged to the depot.
SMALL = Money.of(15)


@dataclass(frozen=True)
class CostLine:
    """One line of an estimate."""

    what: str
    amount: Money


@dataclass(frozen=True)
class Estimate:
    """What an order will cost."""

    order_id: str
    lines: tuple[CostLine, ...]
    covered: Money = Money()

    @property
    def gross(self) -> Money:
        return total([line.amount for line in self.lines])

    @property
    def net(self) -> Money:
        return self.gross - self.covered

    @property
    def is_small(self) -> bool:
        return self.net < SMALL


def estimate(order: WorkOrder, parts: dict[str, Part], cover: Cover | None = None) -> Estimate:
    """Add up labour and parts; what a warranty covers is taken off."""
    labour = HOURLY.times(order.hours).times(SURCHARGE[order.priority])
    lines = [CostLine(f"{order.hours:g} hours of work", labour)]
    for line in order.lines:
        part = parts.get(line.part_id)
        if part is None:
            raise NotFound("part", line.part_id)
        lines.append(CostLine(f"{line.quantity} x {part.name}", part.price.times(line.quantity).times(MARKUP)))
    covered = _covered(lines, cover)
    return Estimate(order_id=order.order_id, lines=tuple(lines), covered=covered)


def by_vehicle(estimates: dict[str, Estimate], vehicle_of: dict[str, str]) -> dict[str, Money]:
    """Return what each vehicle costs, the dearest first."""
    sums: dict[str, Money] = {}
    for order_id, each in estimates.items():
        vehicle = vehicle_of[order_id]
        sums[vehicle] = sums.get(vehicle, Money()) + each.net
    return dict(sorted(sums.items(), key=lambda item: (-item[1].cents, item[0])))


def _covered(lines: list[CostLine], cover: Cover | None) -> Money:
    if cover is None:
        return Money()
    labour, *rest = lines
    covered = total([line.amount for line in rest]) if cover.parts else Money()
    return covered + (labour.amount if cover.labour else Money())
