"""Durable work as a whole: a tenant's is ended or forgotten, and what ended long ago is forgotten for everybody."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from dbos import DBOS, DBOSClient

from bot.errand import Kind

#: What the ids of a tenant's workflows begin with; those that handle deliveries are named for the delivery.
KINDS = ("run", "mend", *Kind)
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
AT_ONCE = 200


def end_work(tenant: str) -> None:
    """End the tenant's workflows: what runs stops at its next step, what waits never starts."""
    if pending := _ids(tenant, status=["PENDING", "ENQUEUED"]):
        DBOS.cancel_workflows(pending)


def forget_work(tenant: str, delivery_ids: Iterable[str]) -> None:
    """Delete what is kept of the tenant's workflows, and of those that handled these deliveries."""
    end_work(tenant)
    watches = [f"watch-{delivery_id}" for delivery_id in delivery_ids]
    # What failed was tried again, under the same id with a number.
    again = DBOS.list_workflows(workflow_id_prefix=[f"{each}~" for each in watches]) if watches else []
    DBOS.delete_workflows([*_ids(tenant), *watches, *(each.workflow_id for each in again)])


def _ids(tenant: str, *, status: list[str] | None = None) -> list[str]:
    prefixes = [f"{kind}-{tenant}-" for kind in KINDS]
    found = DBOS.list_workflows(workflow_id_prefix=prefixes, status=status, load_input=False, load_output=False)
    return [workflow.workflow_id for workflow in found]


def forget_finished(engine: sa.Engine, before: datetime) -> int:
    """Delete what is kept of the workflows that were started before a time and have ended; return how many.

    Works beside a server, and without one. DBOS keeps them for ever otherwise.
    """
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    if not sa.inspect(engine).has_table("workflow_status", schema=schema):  # nothing was ever run
        return 0
    client, n_deleted = DBOSClient(system_database_engine=engine), 0
    try:
        while ended := client.list_workflows(
            status=ENDED, end_time=before.isoformat(), limit=AT_ONCE, load_input=False, load_output=False
        ):
            client.delete_workflows([workflow.workflow_id for workflow in ended])
            n_deleted += len(ended)
    finally:
        client.destroy()
    return n_deleted
