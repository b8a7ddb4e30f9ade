"""The product in one page: the stages, what each waits for, and how they survive a crash.

    run(tenant)          examine ─► group ─► choose ─┬─► mend(failure mode) … in a queue that all workers share
                                                     └─► show what waits ─► prove what was merged
    mend(failure mode)   draft ─► verify ─► submit ─► report        (ends early with a recorded verdict)
                           ▲        │
                           └────────┘  what does not hold is drafted anew, as long as there is something left to try

    watch(delivery)      do what a GitHub delivery asks for ─► errands
    errand(proposal)     what somebody asked for: gather the evidence on a pull request again, open a closed one again

Each box is a DBOS step: it runs at least once, so each is idempotent. A workflow's id is what it is about (a delivery's
id; a failure mode on a base commit), so that starting it twice is starting it once.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSConfiguredInstance, SetEnqueueOptions, SetWorkflowID, WorkflowHandle

from bot.errand import Errand
from bot.workers import taking_over, working
from fixers.evidence import Verdict

# Not the default, a hash of the source: an upgrade would strand every pending workflow. Changes to a workflow that has
# pending runs go through DBOS.patch.
APPLICATION_VERSION = "1"
POLL_S = 0.05
# Runs and mends wait in queues, so that any worker takes them; a worker runs one tenant, and mends one failure mode,
# at a time.
RUNS, MENDS = "runs", "mends"
log = logging.getLogger(__name__)

# A step that fails, as when the database is locked for long, is tried again: each may run twice anyway.
TRIED_AGAIN = DBOS.step(retries_allowed=True, interval_seconds=2.0, max_attempts=4)


class Task(NamedTuple):
    """A failure mode that is worth mending now, on one commit."""

    failure_mode_id: str
    #: What this attempt is about: base commit and amount of evidence. The same attempt is never made twice.
    attempt: str
    #: Proposals of this attempt that were tried and did not hold.
    tried: tuple[str, ...] = ()


class Stages(Protocol):
    """What the pipeline strings together; `bot.stages.ProductStages` is the real one."""

    def examine(self, tenant: str) -> int:
        """Detect the failures in every complete trace that has not been looked at; return how many traces."""

    def group(self, tenant: str) -> int:
        """Embed and group all failures; return the number of failure modes."""

    def choose(self, tenant: str) -> list[Task]:
        """Return the failure modes worth mending now, most severe first."""

    def draft(self, tenant: str, task: Task) -> list[str]:
        """Draft proposals for one failure mode, others than `task.tried`; return their ids, best first."""

    def verify(self, tenant: str, proposal_id: str) -> Verdict:
        """Try a proposal and record the evidence."""

    def submit(self, tenant: str, proposal_id: str) -> str | None:
        """Open the pull request of a verified proposal, or find it; None when the verdict forbids it by now."""

    def report(self, tenant: str, proposal_id: str) -> None:
        """Show the evidence as a check run on the pull request."""

    def show(self, tenant: str) -> None:
        """Bring the dashboard issues up to date: what waits, and why."""

    def prove(self, tenant: str) -> None:
        """Say, on each merged pull request, what production says of it."""

    def give_up(self, tenant: str, task: Task, reason: str) -> None:
        """Record that an attempt ended in an error, so that another one is made later."""

    def do(self, errand: Errand) -> None:
        """Do what somebody asked for on a pull request."""

    def watch(self, delivery_id: str) -> list[Errand]:
        """Do what a GitHub delivery asks for at once; return what is to be done in its turn."""


@DBOS.dbos_class()
class Pipeline(DBOSConfiguredInstance):
    """The stages as durable workflows; make one before `DBOS.launch`, so that pending work finds it."""

    def __init__(self, stages: Stages) -> None:
        super().__init__(config_name="pipeline")
        self.stages = stages

    @DBOS.workflow()
    def run(self, tenant: str) -> list[str]:
        """Run the loop once for one tenant; return the addresses of the pull requests that are open for it now."""
        self._examine(tenant)
        self._group(tenant)
        opened = []
        tasks = self._choose(tenant)
        for task, mending in [(task, self._start(tenant, task)) for task in tasks]:
            try:
                url = mending.get_result(polling_interval_sec=POLL_S)
            except Exception as error:  # the worker's: one failure mode's trouble is recorded, the others go on
                log.exception("failure mode %s of tenant %s", task.failure_mode_id, tenant)
                self._give_up(tenant, task, f"{type(error).__name__}: {error}")
            else:
                opened += [url] if url else []
        self._show(tenant)
        self._prove(tenant)
        return opened

    def _start(self, tenant: str, task: Task) -> WorkflowHandle[str | None]:
        """Let any worker mend a failure mode; each mends one at a time, in the order of `choose`."""
        with SetWorkflowID(f"mend-{tenant}-{task.failure_mode_id}-{task.attempt}"):
            return DBOS.enqueue_workflow(MENDS, self.mend, tenant, task)

    @DBOS.workflow()
    def mend(self, tenant: str, task: Task) -> str | None:
        """Try to mend one failure mode; return the pull request's address, or None when none was opened."""
        while proposal_ids := [each for each in self._draft(tenant, task) if each not in task.tried]:
            for proposal_id in proposal_ids:
                if self._verify(tenant, proposal_id) is Verdict.VERIFIED:
                    url = self._submit(tenant, proposal_id)
                    if url is not None:
                        self._report(tenant, proposal_id)
                    return url
            task = task._replace(tried=(*task.tried, *proposal_ids))
        return None

    @DBOS.workflow()
    def watch(self, delivery_id: str) -> None:
        """Do what one GitHub delivery asks for."""
        for errand in self._watch(delivery_id):
            name = f"{errand.kind}-{errand.tenant}-{errand.proposal_id}-{delivery_id}"
            with SetWorkflowID(name), SetEnqueueOptions(delay_seconds=errand.delay_s or None):
                DBOS.enqueue_workflow(MENDS, self.errand, errand)

    @DBOS.workflow()
    def errand(self, errand: Errand) -> None:
        """Do what somebody asked for on a pull request."""
        self._do(errand)

    @TRIED_AGAIN
    def _examine(self, tenant: str) -> int:
        return self.stages.examine(tenant)

    @TRIED_AGAIN
    def _group(self, tenant: str) -> int:
        return self.stages.group(tenant)

    @TRIED_AGAIN
    def _choose(self, tenant: str) -> list[Task]:
        return self.stages.choose(tenant)

    @TRIED_AGAIN
    def _draft(self, tenant: str, task: Task) -> list[str]:
        return self.stages.draft(tenant, task)

    @TRIED_AGAIN
    def _verify(self, tenant: str, proposal_id: str) -> Verdict:
        return self.stages.verify(tenant, proposal_id)

    @TRIED_AGAIN
    def _submit(self, tenant: str, proposal_id: str) -> str | None:
        return self.stages.submit(tenant, proposal_id)

    @TRIED_AGAIN
    def _report(self, tenant: str, proposal_id: str) -> None:
        self.stages.report(tenant, proposal_id)

    @TRIED_AGAIN
    def _show(self, tenant: str) -> None:
        self.stages.show(tenant)

    @TRIED_AGAIN
    def _prove(self, tenant: str) -> None:
        self.stages.prove(tenant)

    @TRIED_AGAIN
    def _give_up(self, tenant: str, task: Task, reason: str) -> None:
        self.stages.give_up(tenant, task, reason)

    @TRIED_AGAIN
    def _watch(self, delivery_id: str) -> list[Errand]:
        return self.stages.watch(delivery_id)

    @TRIED_AGAIN
    def _do(self, errand: Errand) -> None:
        self.stages.do(errand)


@contextmanager
def durable(stages: Stages, engine: sa.Engine, *, queue_poll_s: float = 0.1) -> Iterator[Pipeline]:
    """Launch DBOS on `engine` with these stages; what a killed process left pending goes on by itself.

    Parameters
    ----------
    queue_poll_s
        Seconds between two looks at the queues: short for a command that somebody waits for, long for a server.

    Raises
    ------
    AlreadyRunning
        When another process runs the workflows of this SQLite database; on PostgreSQL, workers share them.

    """
    with working(engine) as name:
        DBOS(
            config=DBOSConfig(
                name="tracewright",
                system_database_engine=engine,
                application_version=APPLICATION_VERSION,
                executor_id=name,
                log_level="ERROR",
            )
        )
        pipeline = Pipeline(stages)
        DBOS.launch()
        try:
            for queue in (RUNS, MENDS):
                DBOS.register_queue(queue, worker_concurrency=1, polling_interval_sec=queue_poll_s)
            with taking_over(engine, name):
                yield pipeline
        finally:
            DBOS.destroy(destroy_registry=False)


def finish_pending(on_result: Callable[[str], None] = lambda _: None) -> None:
    """Wait for the workflows that an earlier process left behind; `on_result` is told each id as it ends."""
    for workflow in DBOS.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False, load_output=False):
        DBOS.retrieve_workflow(workflow.workflow_id).get_result(polling_interval_sec=POLL_S)
        on_result(workflow.workflow_id)


def start_run(pipeline: Pipeline, tenant: str, *, run_id: str) -> WorkflowHandle[list[str]]:
    """Ask for a run of the loop for a tenant; any worker makes it. The same `run_id` runs once.

    While a run of the tenant waits or goes on, no other one is asked for: that one's handle is returned.
    """
    only_one = SetEnqueueOptions(deduplication_id=tenant, duplication_policy="return-existing")
    with SetWorkflowID(f"run-{tenant}-{run_id}"), only_one:
        return DBOS.enqueue_workflow(RUNS, pipeline.run, tenant)


def run_once(pipeline: Pipeline, tenant: str, *, run_id: str) -> list[str]:
    """Run the loop for a tenant and wait for its end; the same `run_id` runs once."""
    return list(start_run(pipeline, tenant, run_id=run_id).get_result(polling_interval_sec=POLL_S))
