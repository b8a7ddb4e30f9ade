"""The product's receiver on a free port of loopback, within this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from bot.app import create_app
from bot.assemble import Product
from bot.pipeline import Pipeline
from bot.redaction import build_redaction
from webhooks.clock import utc_now

STARTUP_S = 20.0


@contextmanager
def receiver(product: Product, pipeline: Pipeline, *, secret: str | None = None) -> Iterator[str]:
    """Serve the application and yield its address; `secret` is what GitHub signs deliveries with."""
    app = create_app(
        store=product.store,
        pipeline=pipeline,
        webhook_secret=secret,
        interval_s=0,
        now=utc_now,
        redaction=build_redaction(product.settings),
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    pause = threading.Event()
    for _ in range(int(STARTUP_S / 0.05)):
        if server.started or not thread.is_alive():
            break
        pause.wait(0.05)
    if not server.started:
        raise RuntimeError(f"the receiver did not start within {STARTUP_S} s")
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(STARTUP_S)
