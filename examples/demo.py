"""`make demo`: the whole loop on one machine, from a customer's conversation to a pull request.

A receiver and the shop's model provider run on loopback; the support agent holds its conversations and exports its
traces with its own OpenTelemetry SDK; then the loop runs once on a copy of the agent's repository. Everything that is
written lands in `demo-output/`.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bot import tables
from bot.assemble import LOCAL, Product, assemble
from bot.bars import bars
from bot.connect import connect
from bot.pipeline import Pipeline, durable, run_once
from bot.settings import Settings, read_settings
from bot.workshop import Listener
from examples import traffic
from examples.receiver import receiver
from examples.shop_provider.server import serve
from fixers.errors import SandboxMissing
from fixers.harness import CONFIGURATION_PATH
from fixers.sandbox import Sandbox, Unisolated, find_sandbox
from webhooks.clock import utc_now

OUTPUT = Path("demo-output")
EXAMPLE = Path(__file__).parent / "support_agent"
# Six runs of a kind are enough for the exact test, and each more is replayed for two seconds of processor time.
MIX = {kind: count * 3 // 4 for kind, count in traffic.MIX.items()}
N_CONVERSATIONS = sum(MIX.values()) + MIX[traffic.COMES_BACK]
# Nothing of the user's git configuration: no signing, no hooks.
# The demo shows in one run what a repository's owners would be asked to read over some days.
LIMITS = "pull_requests: {open_per_agent: 10, open_per_repository: 10, new_per_day: 10}\n"
GIT_ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

out = Console()


def main() -> None:
    """Run the demo and print what came of it."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    repository = _make_repository(OUTPUT / "shop-agent")
    provider = serve()
    settings = _settings(provider.base_url)
    product = assemble(settings, sandbox=_sandbox())
    try:
        with bars(out) as listener, durable(product.stages_with(listener), product.work_engine) as pipeline:
            key = connect(product, str(repository)).key
            _have_conversations(product, pipeline, provider.base_url, key, listener)
            run_once(pipeline, LOCAL, run_id=utc_now().isoformat())
        _print(product, settings)
    finally:
        product.close()
        provider.close()


def _settings(provider_url: str) -> Settings:
    """Return the embedded defaults; the provider that the agent uses in production answers unrecorded calls live."""
    return replace(
        read_settings(os.environ),
        data=OUTPUT,
        # Whatever else this shell is set up for, the demo keeps to its own database and to its own repository.
        database_url="",
        github_app_id="",
        quiet_s=0.0,
        interval_s=0.0,
        replay_base_url=provider_url,
        replay_api_key="example",
        replay_model="shop-1",
        replay_is_steady=1,  # our provider's answers follow from the request alone
    )


def _sandbox() -> Sandbox:
    """Return bubblewrap; where it is missing, no isolation: what runs is our own example, and every page says so."""
    try:
        return find_sandbox()
    except (SandboxMissing, OSError) as error:
        out.print(f"No isolation on this machine: {error}", style="yellow", markup=False)
        out.print("The example is our own code and runs without; a stranger's repository never would.", style="yellow")
        return Unisolated(python=Path(sys.executable))


def _make_repository(folder: Path) -> Path:
    """Copy the example agent into a git repository of its own, as its owners would have it."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    with (folder / CONFIGURATION_PATH).open("a") as configuration:
        configuration.write(LIMITS)
    identity = ["-c", "user.name=Shop", "-c", "user.email=shop@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Answer customers"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, env=GIT_ENVIRONMENT)  # noqa: S603, S607  # our own words
    return folder


def _have_conversations(product: Product, pipeline: Pipeline, provider_url: str, key: str, listener: Listener) -> None:
    visits = traffic.conversations(N_CONVERSATIONS, mix=MIX)
    stage, done = "conversations with customers", 0

    def on_progress(_: traffic.Answered) -> None:
        nonlocal done
        done += 1
        listener(stage, done, len(visits))

    with receiver(product, pipeline) as endpoint:
        traffic.run(visits, base_url=provider_url, otlp_endpoint=endpoint, key=key, on_progress=on_progress)


def _print(product: Product, settings: Settings) -> None:
    """Print the failure modes, the pull requests, what was not fixed and why."""
    record = tables.run_record(product.store, LOCAL)
    out.print(tables.run_page(record))
    opened, isolation = len(record["pull_requests"]), product.stages.sandbox
    out.print(
        f"\n{len(record['failure_modes'])} failure modes, {opened} pull requests, "
        f"isolation: {isolation.name if isolation else 'none'}, "
        f"agent fixer: {settings.model if settings.openai_api_key else 'off (set OPENAI_API_KEY to let it join)'}."
    )


if __name__ == "__main__":
    main()
