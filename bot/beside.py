"""What runs beside the receiver, again and again: the loop, and the chores. Each blocks a thread, never the event loop.

One that fails is in the log and comes again after its pause; it ends none of the others.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from anyio import to_thread
from dbos import DBOS, SetWorkflowID

from bot.again import INTERVAL as AGAIN_INTERVAL
from bot.again import try_again
from bot.errors import ForgeError
from bot.forge.hook_deliveries import HookDeliveries
from bot.forget import forget_uninstalled
from bot.pipeline import Pipeline, start_run
from bot.retention import INTERVAL as TIDY_INTERVAL
from bot.retention import SHORTEST_REST_S
from bot.store.prune import Rest
from bot.store.store import Store
from bot.sweep import INTERVAL, OVERLAP, REMEMBERED, sweep
from webhooks.errors import WebhookError
from webhooks.redact import Redaction

log = logging.getLogger(__name__)
WAIT_S = 1.0  # between two looks whether a run has ended


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The work of a server that nobody asks for by a request."""

    store: Store
    pipeline: Pipeline
    #: Seconds between two runs of the loop; 0 never runs it.
    interval_s: float
    now: Callable[[], datetime]
    redaction: Redaction | None
    #: Asked for the deliveries of GitHub's that did not arrive.
    deliveries: HookDeliveries | None
    #: How long the data of a tenant outlives its installation.
    keep_uninstalled: timedelta
    #: Deletes what is not kept any longer, and rests in between.
    tidy: Callable[[Rest], object] | None
    stop: threading.Event = field(default_factory=threading.Event)

    def all(self) -> list[Coroutine[None, None, None]]:
        """Return what is to run until it is cancelled."""
        found = [self._run(), self._forget(), self._try_again()] if self.interval_s else []
        found += [self._sweep(self.deliveries)] if self.deliveries else []
        found += [self._tidy(self.tidy)] if self.tidy else []
        return found

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.interval_s)
            # The same name in all workers: one run per tenant and interval, whoever asks first.
            run_id = f"every-{self.interval_s:g}s-{int(self.now().timestamp() / self.interval_s)}"
            start = partial(start_run, self.pipeline, run_id=run_id)
            runs = {}
            with going_on("the loop could not be started"):
                runs = {
                    each: await to_thread.run_sync(start, each) for each in await to_thread.run_sync(self.store.tenants)
                }
            for tenant, started in runs.items():
                with going_on(f"the loop failed for tenant {tenant}"):
                    await to_thread.run_sync(partial(started.get_result, polling_interval_sec=WAIT_S))

    async def _try_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_INTERVAL.total_seconds())
            with going_on("what had failed could not be tried again"):
                await to_thread.run_sync(lambda: try_again(self.store, now=self.now()))

    async def _sweep(self, deliveries: HookDeliveries) -> None:
        since = self.now() - REMEMBERED
        while True:
            begun = self.now()
            with going_on(f"GitHub is asked again in {INTERVAL} for deliveries since {since}"):
                look = partial(sweep, self.store, deliveries, since=since, redaction=self.redaction)
                try:
                    await to_thread.run_sync(look)
                    since = begun - OVERLAP
                except (ForgeError, WebhookError) as error:  # it does not answer, or what it says cannot be kept now
                    log.warning("GitHub is asked again in %s for deliveries since %s: %s", INTERVAL, since, error)
                await to_thread.run_sync(start_watches, self.store, self.pipeline)
            await asyncio.sleep(INTERVAL.total_seconds())

    async def _forget(self) -> None:
        while True:
            with going_on("uninstalled tenants could not be forgotten"):
                before = self.now() - self.keep_uninstalled
                await to_thread.run_sync(partial(forget_uninstalled, self.store, before=before))
            await asyncio.sleep(self.interval_s)

    async def _tidy(self, tidy: Callable[[Rest], object]) -> None:
        while not self.stop.is_set():
            with going_on("what is too old could not be deleted"):
                try:
                    await to_thread.run_sync(tidy, self._rest)
                except InterruptedError:
                    return  # what is left over goes the next time
            await asyncio.sleep(TIDY_INTERVAL.total_seconds())

    def _rest(self, held_s: float) -> None:
        if self.stop.wait(max(SHORTEST_REST_S, held_s)):
            raise InterruptedError("the server ends")


def start_watches(store: Store, pipeline: Pipeline) -> None:
    """Start the workflow of every delivery that is kept and not handled: one that could not be started before, too."""
    for delivery_id in store.unhandled_deliveries():
        start_watch(pipeline, delivery_id)


def start_watch(pipeline: Pipeline, delivery_id: str) -> None:
    """Start the workflow of a delivery; its id is the delivery's, so that a second start changes nothing."""
    with SetWorkflowID(f"watch-{delivery_id}"):
        DBOS.start_workflow(pipeline.watch, delivery_id)


@contextmanager
def going_on(told: str) -> Iterator[None]:
    """Let what fails within be a record in the log."""
    try:
        yield
    except Exception:  # the worker's: whatever one chore meets, such as a database that is away, must end no other
        log.exception(told)
