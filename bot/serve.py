"""Serve until the process is told to end, or until the GitHub App was registered."""

from datetime import timedelta
from functools import partial

import uvicorn
from fastapi import APIRouter

from bot.app import create_app
from bot.assemble import Product
from bot.errors import BadSetting
from bot.handlers.table import HANDLERS
from bot.long_running import settle
from bot.operator_routes import create_operator_router
from bot.pipeline import durable
from bot.redaction import build_redaction
from bot.report_routes import create_report_router
from bot.settings import Settings
from bot.setup.conversion import exchange
from bot.setup.routes import create_setup_router
from bot.setup.set_up import SetUp
from bot.terminal import say
from bot.tidy import tidy
from bot.webhook_secrets import build_secrets
from webhooks.clock import utc_now

SERVER_POLL_S = 1.0  # a server that has nothing to do costs next to nothing


def serve_until_set_up(product: Product) -> bool:
    """Serve; True when an App was registered meanwhile, so that everything has to begin again with it.

    Raises
    ------
    BadSetting
        When the address cannot be listened on.

    """
    settings = product.settings
    set_up = None if product.github else _set_up(settings)

    def stop() -> None:
        server.should_exit = True

    with durable(product.stages, product.work_engine, queue_poll_s=SERVER_POLL_S) as pipeline:
        web = create_app(
            store=product.store,
            pipeline=pipeline,
            webhook_secret=settings.github_webhook_secret or None,
            interval_s=settings.interval_s,
            now=utc_now,
            redaction=build_redaction(settings, on_replaced=product.store.count_replaced),
            secrets=build_secrets(settings),
            deliveries=product.github.hook_deliveries() if product.github else None,
            keep_uninstalled=timedelta(days=settings.keep_uninstalled_days),
            tidy=partial(tidy, product),
            routers=[
                _operator_router(product),
                _report_router(product),
                *([create_setup_router(set_up, on_done=stop)] if set_up else []),
            ],
        )
        # No access log: the address of the set-up holds its token.
        server = uvicorn.Server(
            uvicorn.Config(web, host=settings.host, port=settings.port, log_level="warning", access_log=False)
        )
        if set_up is not None:
            say(f"Set up the GitHub App: {set_up.address}")
        settle()
        server.run()
    if not server.started:
        raise BadSetting(f"cannot listen on {settings.host}:{settings.port}")
    return set_up is not None and set_up.is_done


def _operator_router(product: Product) -> APIRouter:
    return create_operator_router(product.store, encoder=product.stages.encoder, token=product.settings.operator_token)


def _report_router(product: Product) -> APIRouter:
    return create_report_router(product.store, token=product.settings.operator_token, now=utc_now)


def _set_up(settings: Settings) -> SetUp:
    return SetUp(
        github_url=settings.github_url.rstrip("/"),
        public_url=settings.visited_url,
        data=settings.data,
        events={event for event, _ in HANDLERS},
        exchange=partial(exchange, api_url=settings.api_url, github_url=settings.github_url),
        now=utc_now,
    )
