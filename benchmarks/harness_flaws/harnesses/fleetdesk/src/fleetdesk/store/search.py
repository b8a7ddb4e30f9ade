"""Find things by the words that people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fleetdesk.store.depot import Depot

WORD = re.compile(r"[\w-]+")
MAX_HITS = 8
#: Words that everything has.
COMMON = frozenset({"the", "a", "an", "of", "for", "in", "on", "and", "vehicle", "order", "part"})


@dataclass(frozen=True)
class Hit:
    """Something that was found."""

    kind: str
    name: str
    words: str
    score: float


def find(depot: Depot, asked: str) -> list[Hit]:
    """Return what shares most words with what was asked, the best first."""
    wanted = _words(asked)
    if not wanted:
        return []
    hits = [Hit(kind, name, words, _score(wanted, words)) for kind, name, words in _all(depot)]
    found = sorted((hit for hit in hits if hit.score > 0), key=lambda hit: (-hit.score, hit.name))
    return found[:MAX_HITS]


def _all(depot: Depot) -> Iterable[tuple[str, str, str]]:
    for vehicle in depot.vehicles.values():
        yield "vehicle", vehicle.vehicle_id, f"{vehicle.vehicle_id} {vehicle.plate} {vehicle.make} {vehicle.driver}"
    for order in depot.orders.values():
        yield "work order", order.order_id, f"{order.order_id} {order.vehicle_id} {order.what}"
    for part in depot.parts.values():
        yield "part", part.part_id, f"{part.part_id} {part.name} {' '.join(part.fits)}"


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)} - COMMON


def _score(wanted: set[str], words: str) -> float:
    there = _words(words)
    shared = len(wanted & there)
    stems = sum(any(other.startswith(word[:5]) for other in there) for word in wanted if len(word) > 5)
    return shared + 0.25 * stems
