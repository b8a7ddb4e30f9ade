"""Notice what reaches production.

https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status
"""

from datetime import UTC, datetime

from bot.handlers.means import Means
from bot.handlers.payload import mapping, text
from bot.store.deliveries import APP_TENANT, tenant_of_delivery
from webhooks.github import Delivery

PRODUCTION = frozenset({"production", "prod"})


def notice_deployment(delivery: Delivery, means: Means) -> None:
    """Keep which commit was deployed to production, and when that had succeeded."""
    tenant, payload = tenant_of_delivery(delivery), delivery.payload
    known = means.store.known_name(tenant, text(payload, "repository", "full_name"))
    deployment, status = mapping(payload, "deployment"), mapping(payload, "deployment_status")
    is_production = (
        deployment.get("production_environment") is True or text(deployment, "environment").lower() in PRODUCTION
    )
    sha, succeeded_at = text(deployment, "sha"), _time(text(status, "created_at"))
    wanted = is_production and text(status, "state") == "success" and tenant != APP_TENANT
    if wanted and known is not None and sha and succeeded_at is not None:
        means.store.keep_deployment(tenant, known, sha, succeeded_at=succeeded_at)


def _time(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
