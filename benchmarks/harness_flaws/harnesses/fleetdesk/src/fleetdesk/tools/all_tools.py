"""All tools of a depot."""

from __future__ import annotations

from fleetdesk.store.depot import Depot
from fleetdesk.tools import money_tools, order_tools, part_tools, people_tools, vehicle_tools
from fleetdesk.tools.registry import Registry

MODULES = (vehicle_tools, order_tools, part_tools, money_tools, people_tools)


def registry_of(depot: Depot) -> Registry:
    """Return the registry with every tool."""
    registry = Registry(depot)
    for module in MODULES:
        registry.add(module.TOOLS)
    return registry
