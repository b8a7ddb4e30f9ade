"""Follow the App's installations and their repositories: who has it, since when, on what.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation_repositories
https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.handlers.means import Means
from bot.handlers.payload import mapping, mappings, number, text
from bot.store.deliveries import APP_TENANT, tenant_of_delivery
from bot.store.repositories import Told
from webhooks.github import Delivery

#: After which nothing of ours has any business in the repository.
FINAL = frozenset({"archived", "deleted"})


def follow_installation(delivery: Delivery, means: Means) -> None:
    """Add a tenant with its repositories, let it rest while it is suspended, or end its work."""
    tenant = tenant_of_delivery(delivery)
    if tenant == APP_TENANT:
        return
    installation = mapping(delivery.payload, "installation")
    match delivery.action:
        case "created":
            if means.store.install(tenant, account_id=_account(installation)):
                _tell(means, tenant, _told(delivery.payload, "repositories"), _time(installation))
        case "suspend" | "unsuspend":
            suspended = delivery.action == "suspend"
            means.store.suspend(tenant, suspended=suspended, told_at=_time(installation))
            if suspended:
                means.end_work(tenant)
        case "deleted":
            means.store.uninstall(tenant, account_id=_account(installation))
            means.end_work(tenant)


def follow_selection(delivery: Delivery, means: Means) -> None:
    """Add the repositories that were selected for the installation, and leave those that are not any more."""
    tenant = tenant_of_delivery(delivery)
    installation = mapping(delivery.payload, "installation")
    if tenant == APP_TENANT or not means.store.install(tenant, account_id=_account(installation)):
        return
    told_at = _time(installation)
    _tell(means, tenant, _told(delivery.payload, "repositories_added"), told_at)
    _tell(means, tenant, _told(delivery.payload, "repositories_removed", gone=True), told_at)


def follow_repository(delivery: Delivery, means: Means) -> None:
    """Follow a connected repository to its new name or owner, or leave it."""
    tenant, repository = tenant_of_delivery(delivery), mapping(delivery.payload, "repository")
    name = text(repository, "full_name")
    github_id = number(repository, "id")
    if delivery.action == "transferred" and github_id is not None:
        means.store.leave_elsewhere(tenant, github_id)
    before = means.store.known_name(tenant, _name_before(delivery, name))
    if before is None:
        return
    means.store.rename_repository(tenant, before, name)
    private = repository.get("private") is True
    told = Told(repository=name, github_id=github_id, private=private, gone=delivery.action in FINAL)
    means.store.tell_repository(tenant, told, told_at=None)


def _name_before(delivery: Delivery, name: str) -> str:
    """Return what the repository was called before the delivery's event."""
    owner, _, short = name.partition("/")
    changes = mapping(delivery.payload, "changes")
    if delivery.action == "renamed":
        return f"{owner}/{text(changes, 'repository', 'name', 'from')}"
    if delivery.action == "transferred":
        before = mapping(mapping(changes, "owner"), "from")
        return f"{text(before, 'user', 'login') or text(before, 'organization', 'login')}/{short}"
    return name


def _tell(means: Means, tenant: str, told: Iterator[Told], told_at: datetime) -> None:
    for each in told:
        means.store.tell_repository(tenant, each, told_at=told_at)


def _told(payload: Mapping[str, Any], key: str, *, gone: bool = False) -> Iterator[Told]:
    for item in mappings(payload, key):
        if name := text(item, "full_name"):
            private = item.get("private")
            yield Told(
                repository=name,
                github_id=number(item, "id"),
                private=private if isinstance(private, bool) else None,
                gone=gone,
            )


def _account(installation: Mapping[str, Any]) -> int | None:
    return number(mapping(installation, "account"), "id")


def _time(installation: Mapping[str, Any]) -> datetime:
    """Return as of when the installation's fields are true; it is written as text, or as seconds since 1970."""
    told = installation.get("updated_at")
    try:
        if isinstance(told, int):
            return datetime.fromtimestamp(told, UTC)
        return datetime.fromisoformat(str(told)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
