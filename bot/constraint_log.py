"""The constraint log of a failure mode, as a person reads it: which step had to keep to what, and whether it did."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bot.store.store import Store
from clustering.failure import Failure

TITLE = "Constraints of the latest example, step by step"
COLUMNS = ("span", "constraint", "kept?")


def constraint_record(store: Store, tenant: str, examples: Sequence[Failure]) -> list[dict[str, Any]]:
    """Return the log of the latest of these failures whose run has one, in the order of its steps."""
    logs = (store.constraint_log(tenant, failure.trace_id) for failure in reversed(examples))
    return [asdict(check) for check in next((log for log in logs if log), [])]


def constraint_cells(record: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return what a table of the log shows."""
    return [(row["span_id"], row["constraint"], f"{'yes' if row['held'] else 'NO'}: {row['why']}") for row in record]
