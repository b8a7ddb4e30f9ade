"""The durable work of one tenant, as a whole: ended, or forgotten."""

from collections.abc import Iterable

from dbos import DBOS

from bot.errand import Kind

#: What the ids of a tenant's workflows begin with; those that handle deliveries are named for the delivery.
KINDS = ("run", "mend", *Kind)


def end_work(tenant: str) -> None:
    """End the tenant's workflows: what runs stops at its next step, what waits never starts."""
    if pending := _ids(tenant, status=["PENDING", "ENQUEUED"]):
        DBOS.cancel_workflows(pending)


def forget_work(tenant: str, delivery_ids: Iterable[str]) -> None:
    """Delete what is kept of the tenant's workflows, and of those that handled these deliveries."""
    end_work(tenant)
    DBOS.delete_workflows([*_ids(tenant), *(f"watch-{delivery_id}" for delivery_id in delivery_ids)])


def _ids(tenant: str, *, status: list[str] | None = None) -> list[str]:
    prefixes = [f"{kind}-{tenant}-" for kind in KINDS]
    found = DBOS.list_workflows(workflow_id_prefix=prefixes, status=status, load_input=False, load_output=False)
    return [workflow.workflow_id for workflow in found]
