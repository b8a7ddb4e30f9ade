"""The web application: the receiver, GitHub's deliveries, and the loop that runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

from anyio import to_thread
from fastapi import APIRouter, FastAPI

from bot.beside import Beside, start_watch, start_watches
from bot.forge.hook_deliveries import HookDeliveries
from bot.pipeline import Pipeline
from bot.store.prune import Rest
from bot.store.store import Store
from webhooks.redact import Redaction
from webhooks.routes import create_router, install_error_handler
from webhooks.signatures import Secrets

KEEP_UNINSTALLED = timedelta(days=30)


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
    beside = Beside(
        store=store,
        pipeline=pipeline,
        interval_s=interval_s,
        now=now,
        redaction=redaction,
        deliveries=deliveries,
        keep_uninstalled=keep_uninstalled,
        tidy=tidy,
    )

    received = create_router(
        store,
        webhook_secret=webhook_secret,
        on_delivery=lambda delivery: start_watch(pipeline, delivery.delivery_id),
        redaction=redaction,
        secrets=secrets,
        now=now,
    )
    app = FastAPI(title="Tracewright", lifespan=lambda _: _living(beside))
    for router in (received, *routers):
        app.include_router(router)
    install_error_handler(app)
    return app


@asynccontextmanager
async def _living(beside: Beside) -> AsyncIterator[None]:
    """Pick up what was kept and not handled, then let everything run that runs beside the requests."""
    await to_thread.run_sync(beside.store.prepare_days)  # before the first batch comes, which would be in the way
    await to_thread.run_sync(start_watches, beside.store, beside.pipeline)
    tasks = [asyncio.create_task(each) for each in beside.all()]
    yield
    beside.stop.set()
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
