"""The web application: the receiver, GitHub's deliveries, and the loop that runs beside them."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

from anyio import to_thread
from dbos import DBOS, SetWorkflowID
from fastapi import APIRouter, FastAPI

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
from webhooks.github import Delivery
from webhooks.redact import Redaction
from webhooks.routes import create_router, install_error_handler
from webhooks.signatures import Secrets

log = logging.getLogger(__name__)
KEEP_UNINSTALLED = timedelta(days=30)
WAIT_S = 1.0  # between two looks whether a run has ended


def create_app(
    *,
    store: Store,
    pipeline: Pipeline,
    webhook_secret: str | None,
    interval_s: float,
    now: Callable[[], datetime],
    redaction: Redaction | None = None,
    secrets: Secrets | None = None,
    deliveries: HookDeliveries | None = None,
    keep_uninstalled: timedelta = KEEP_UNINSTALLED,
    routers: Sequence[APIRouter] = (),
    tidy: Callable[[Rest], object] | None = None,
) -> FastAPI:
    """Return the application; its lifespan picks up deliveries that were kept but not handled, and runs the loop.

    Parameters
    ----------
    webhook_secret
        Of the GitHub App; None refuses every delivery.
    interval_s
        Seconds between two runs of the loop; 0 never runs it.
    redaction
        Takes secrets out of what arrives before it is kept.
    secrets
        Verify the signed webhooks of other systems.
    deliveries
        Asked, at the start and every hour, for the deliveries of GitHub's that did not arrive.
    keep_uninstalled
        How long the data of a tenant outlives its installation.
    routers
        Pages and the operator's routes beside the receiver.
    tidy
        Deletes what is not kept any longer, and rests in between; called at the start and every hour.

    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(store.prepare_days)  # before the first batch comes, which would be in the way
        for delivery_id in await to_thread.run_sync(store.unhandled_deliveries):
            await to_thread.run_sync(start_watch, pipeline, delivery_id)
        beside = [_run_forever(store, pipeline, interval_s, now)] if interval_s else []
        beside += [_forget_forever(store, keep_uninstalled, interval_s, now)] if interval_s else []
        beside += [_again_forever(store, now)] if interval_s else []
        swept = partial(sweep, store, deliveries, redaction=redaction) if deliveries else None
        beside += [_sweep_forever(pipeline, swept, now)] if swept else []
        stop = threading.Event()
        beside += [_tidy_forever(tidy, stop)] if tidy else []
        tasks = [asyncio.create_task(each) for each in beside]
        yield
        stop.set()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def on_delivery(delivery: Delivery) -> None:
        start_watch(pipeline, delivery.delivery_id)

    app = FastAPI(title="Tracewright", lifespan=lifespan)
    app.include_router(
        create_router(
            store,
            webhook_secret=webhook_secret,
            on_delivery=on_delivery,
            redaction=redaction,
            secrets=secrets,
            now=now,
        )
    )
    for router in routers:
        app.include_router(router)
    install_error_handler(app)
    return app


def start_watch(pipeline: Pipeline, delivery_id: str) -> None:
    """Start the workflow of a delivery; its id is the delivery's, so that a second start changes nothing."""
    with SetWorkflowID(f"watch-{delivery_id}"):
        DBOS.start_workflow(pipeline.watch, delivery_id)


async def _run_forever(store: Store, pipeline: Pipeline, interval_s: float, now: Callable[[], datetime]) -> None:
    while True:
        await asyncio.sleep(interval_s)
        # The same name in all workers: one run per tenant and interval, whoever asks first.
        run_id = f"every-{interval_s:g}s-{int(now().timestamp() / interval_s)}"
        tenants = await to_thread.run_sync(store.tenants)
        runs = {each: await to_thread.run_sync(partial(start_run, pipeline, each, run_id=run_id)) for each in tenants}
        for tenant, started in runs.items():
            try:
                await to_thread.run_sync(partial(started.get_result, polling_interval_sec=WAIT_S))
            except Exception:  # the worker's: one tenant's failure becomes a record and must not stop the others
                log.exception("the loop failed for tenant %s", tenant)


async def _again_forever(store: Store, now: Callable[[], datetime]) -> None:
    while True:
        await asyncio.sleep(AGAIN_INTERVAL.total_seconds())
        try:
            await to_thread.run_sync(lambda: try_again(store, now=now()))
        except Exception:  # the worker's: what could not be started now is started the next time
            log.exception("what had failed could not be tried again")


async def _sweep_forever(pipeline: Pipeline, swept: Callable[..., list[str]], now: Callable[[], datetime]) -> None:
    since = now() - REMEMBERED
    while True:
        begun = now()
        try:
            for delivery_id in await to_thread.run_sync(partial(swept, since=since)):
                await to_thread.run_sync(start_watch, pipeline, delivery_id)
        except (ForgeError, WebhookError) as error:  # GitHub does not answer, or what it says cannot be kept now
            log.warning("GitHub is asked again in %s for deliveries since %s: %s", INTERVAL, since, error)
        except Exception:  # the worker's, such as a database that cannot be read: what was missed comes the next time
            log.exception("GitHub is asked again in %s for deliveries since %s", INTERVAL, since)
        else:
            since = begun - OVERLAP
        await asyncio.sleep(INTERVAL.total_seconds())


async def _forget_forever(store: Store, keep: timedelta, interval_s: float, now: Callable[[], datetime]) -> None:
    while True:
        try:
            await to_thread.run_sync(partial(forget_uninstalled, store, before=now() - keep))
        except Exception:  # the worker's: what could not be deleted now is deleted the next time
            log.exception("uninstalled tenants could not be forgotten")
        await asyncio.sleep(interval_s)


async def _tidy_forever(tidy: Callable[[Rest], object], stop: threading.Event) -> None:
    def rest(held_s: float) -> None:
        if stop.wait(max(SHORTEST_REST_S, held_s)):
            raise InterruptedError("the server ends")

    while not stop.is_set():
        try:
            await to_thread.run_sync(tidy, rest)
        except InterruptedError:
            return  # what is left over goes the next time
        except Exception:  # the worker's: what could not be deleted now is deleted the next time
            log.exception("what is too old could not be deleted")
        await asyncio.sleep(TIDY_INTERVAL.total_seconds())
