"""The product with the example's recorded traces in its store and the example agent in a git repository of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.assemble import LOCAL, Product, assemble
from bot.connect import connect
from bot.ingest import ingest
from bot.redaction import build_redaction
from bot.settings import Settings
from bot.stages import ProductStages
from clustering.failure_mode import FailureMode
from examples.shop_provider.server import Server, serve
from examples.traffic import CHECKOUT
from fixers.model import Model
from webhooks.clock import utc_now

TRACES = Path(__file__).parents[1] / "fixtures" / "traces" / "support_agent.jsonl.gz"
WHO = {"NAME": "Shop", "EMAIL": "shop@example.com", "DATE": "2026-01-01T00:00:00Z"}
GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in WHO.items()},
}


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The product after its first two stages: failures found and grouped, nothing drafted."""

    product: Product
    stages: ProductStages
    repository: Path
    #: Answers what a replay asks beyond the record, and serves fresh conversations.
    provider: Server

    def mode(self, detector: str, key: str, *, title: str = "") -> FailureMode:
        """Return the failure mode of this signature."""
        modes = self.stages.store.failure_modes(LOCAL)
        (found,) = [mode for mode in modes if (mode.detector, mode.key) == (detector, key) and title in mode.title]
        return found


@contextmanager
def loaded_example(folder: Path, *, model: Model) -> Iterator[Loaded]:
    """Yield the product over `folder`: `model` is behind its agent fixer, the shop's provider is the live model."""
    repository = make_repository(folder / "shop-agent")
    with serve() as provider:
        settings = Settings(
            data=folder / "data",
            quiet_s=0.0,
            replay_base_url=provider.base_url,
            replay_api_key="example",
            replay_model="shop-1",
            replay_is_steady=1,
        )
        product = assemble(settings)
        try:
            stages = replace(product.stages, model=model)
            connect(product, str(repository))
            ingest(
                product.store,
                LOCAL,
                TRACES,
                redaction=build_redaction(product.settings),
                received_at=utc_now(),
                on_progress=lambda *_: None,
            )
            stages.examine(LOCAL)
            stages.group(LOCAL)
            yield Loaded(product=product, stages=stages, repository=repository, provider=provider)
        finally:
            product.close()


def make_repository(folder: Path) -> Path:
    """Commit the example agent; the commit's id is the same every time."""
    shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Answer customers"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True, env=GIT_ENVIRONMENT)
    return folder
