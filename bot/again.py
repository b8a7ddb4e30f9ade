"""Try again, much later, what failed although each of its steps was tried several times: GitHub was away for long.

A delivery that was kept is not lost, and who asked for something is answered, when that was within a day. What fails
for another reason ends after `PAUSES` too, and is in the log each time.
"""

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from dbos import DBOS, SetWorkflowID, WorkflowStatus

from bot.pipeline import MENDS, Pipeline
from bot.store.store import Store

#: Before each further try; about 23 hours in all.
PAUSES = tuple(timedelta(minutes=each) for each in (1, 4, 16, 64, 256, 1024))
#: Between two looks.
INTERVAL = timedelta(minutes=1)
WATCHES, ERRANDS = Pipeline.watch.__qualname__, Pipeline.errand.__qualname__
#: Between a workflow's id and the number of its try.
SIGN = "~"
log = logging.getLogger(__name__)


def try_again(store: Store, *, now: datetime, names: Collection[str] = (WATCHES, ERRANDS)) -> list[str]:
    """Start what failed and is due once more; return the ids under which it runs.

    Parameters
    ----------
    names
        Of the workflows that are tried again; a run of the loop, and what it mends, comes again by itself.

    """
    since = (now - sum(PAUSES, timedelta(days=1))).isoformat()
    with store.turn("again"):
        failed = DBOS.list_workflows(
            status="ERROR", name=list(names), start_time=since, was_forked_from=False, load_input=False
        )
        return [_start(each.workflow_id, each.name, each.error) for each in failed if _is_due(each, now)]


def _is_due(failed: WorkflowStatus, now: datetime) -> bool:
    _, number = first_try(failed.workflow_id)
    ended = datetime.fromtimestamp((failed.updated_at or 0) / 1000, UTC)
    return number < len(PAUSES) and now >= ended + PAUSES[number]


def _start(workflow_id: str, name: str, error: Exception | None) -> str:
    first, number = first_try(workflow_id)
    log.warning("%s is tried again (%s of %s): %s", first, number + 1, len(PAUSES), error)
    with SetWorkflowID(f"{first}{SIGN}{number + 1}"):
        again = DBOS.fork_workflow(workflow_id, 1, queue_name=MENDS if name == ERRANDS else None)
    return again.workflow_id


def first_try(workflow_id: str) -> tuple[str, int]:
    """Return the id of a workflow's first try, and how often it was tried again."""
    first, sign, number = workflow_id.rpartition(SIGN)
    return (first, int(number)) if sign and number.isdecimal() else (workflow_id, 0)
