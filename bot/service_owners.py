"""Say which agent owns each service, also while a repository cannot be read."""

from collections.abc import Callable

from bot.agents import Agents
from bot.store.store import Store
from webhooks.searched import searched


def owner_finder(store: Store, tenant: str, agents: Agents) -> Callable[[str], str]:
    """Return what says the owner of a service: its agent, the last known one, or else the service itself."""
    known = store.service_owners(tenant)
    found = {service: _owner(service, agents, known) for service in store.services_that_failed(tenant)}
    store.keep_service_owners(tenant, {each: found[each] for each in found if found[each] != known.get(each)})
    return lambda service: found.get(searched(service), service)


def last_known(store: Store, tenant: str) -> Callable[[str], str]:
    """Return what says the last known owner of a service, without asking any repository."""
    known = store.service_owners(tenant)
    return lambda service: known.get(searched(service), service)


def _owner(service: str, agents: Agents, known: dict[str, str]) -> str:
    agent = agents.owner_of(service)
    if agent is not None:
        return f"{agent.forge.repository}#{agent.harness.name}"
    return known.get(service, service) if agents.unreadable else service
