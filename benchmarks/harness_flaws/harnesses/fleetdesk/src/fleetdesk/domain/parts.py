"""Parts and the stock of them. A piece that is held for an order is not there for anybody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fleetdesk.errors import NotFound, OutOfStock
from fleetdesk.units import Money


class Supplier(StrEnum):
    """Who sells us parts, and how many working days they take."""

    DEPOT = "central depot"
    MAKER = "the maker"
    LOCAL = "a local dealer"


DELIVERY_DAYS = {Supplier.DEPOT: 1, Supplier.LOCAL: 2, Supplier.MAKER: 6}


@dataclass(frozen=True)
class Part:
    """One kind of part."""

    part_id: str
    name: str
    price: Money
    supplier: Supplier
    #: Below this, more is ordered.
    minimum: int = 1
    #: Makes of vehicles that it fits; empty for all.
    fits: tuple[str, ...] = ()
    replaced_by: str | None = None

    def fits_make(self, make: str) -> bool:
        return not self.fits or make in self.fits


@dataclass(frozen=True)
class Hold:
    """Pieces that are put aside for an order."""

    hold_id: int
    part_id: str
    order_id: str
    quantity: int


@dataclass
class Stock:
    """How many pieces there are, and which are put aside."""

    pieces: dict[str, int]
    holds: dict[int, Hold] = field(default_factory=dict)
    _next_id: int = 1

    def available(self, part_id: str) -> int:
        """Return how many pieces nobody has put aside."""
        if part_id not in self.pieces:
            raise NotFound("part", part_id)
        held = sum(hold.quantity for hold in self.holds.values() if hold.part_id == part_id)
        return self.pieces[part_id] - held

    def hold(self, part_id: str, order_id: str, quantity: int) -> Hold:
        """Put pieces aside; OutOfStock when there are not enough."""
        left = self.available(part_id)
        if left < quantity:
            raise OutOfStock(f"{part_id}: {quantity} wanted, {left} left")
        hold = Hold(self._next_id, part_id, order_id, quantity)
        self.holds[hold.hold_id] = hold
        self._next_id += 1
        return hold

    def release(self, hold: Hold) -> None:
        """Put pieces back; releasing twice is releasing once."""
        self.holds.pop(hold.hold_id, None)

    def take(self, hold: Hold) -> None:
        """Take what was put aside out of the stock."""
        if self.holds.pop(hold.hold_id, None) is None:
            raise NotFound("hold", hold.hold_id)
        self.pieces[hold.part_id] -= hold.quantity

    def receive(self, part_id: str, quantity: int) -> int:
        """Add a delivery; return how many pieces there are now."""
        self.pieces[part_id] = self.pieces.get(part_id, 0) + quantity
        return self.pieces[part_id]

    def held_for(self, order_id: str) -> list[Hold]:
        return [hold for hold in self.holds.values() if hold.order_id == order_id]


def to_order(parts: dict[str, Part], stock: Stock) -> list[tuple[Part, int]]:
    """Return the parts that fall short of their minimum, and by how many pieces."""
    found = []
    for part in parts.values():
        missing = part.minimum - stock.available(part.part_id)
        if missing > 0 and part.replaced_by is None:
            found.append((part, missing))
    return found


def current(parts: dict[str, Part], part_id: str) -> Part:
    """Return the part that is sold today under a number that may be an old one."""
    seen: set[str] = set()
    while part_id not in seen:
        seen.add(part_id)
        part = parts.get(part_id)
        if part is None:
            raise NotFound("part", part_id)
        if part.replaced_by is None:
            return part
        part_id = part.replaced_by
    raise NotFound("current part", part_id)
