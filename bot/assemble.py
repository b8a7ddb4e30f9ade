"""Build the product from the settings: the one place where its parts are put together."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import sqlalchemy as sa
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.advisor import Advisor
from bot.allowance import Allowance
from bot.errors import BadSetting
from bot.forge.forge import Forge
from bot.forge.github_app import GitHubApp
from bot.forge.local import LocalForge
from bot.redaction import build_discretions
from bot.settings import Settings
from bot.setup.stored_app import with_stored_app
from bot.stages import ProductStages
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.workshop import Listener
from clustering.embed import MiniLM
from fixers.errors import SandboxMissing
from fixers.model import Model, OpenAIModel
from fixers.replay.live import LiveEndpoint
from fixers.replay.playback import LiveModel
from fixers.sandbox import Sandbox, find_sandbox
from webhooks.clock import utc_now

LOCAL = "local"
MODEL_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Product:
    """Everything that a command needs; close it when done."""

    settings: Settings
    store: Store
    #: Where DBOS keeps its work.
    work_engine: sa.Engine
    stages: ProductStages
    #: None when no GitHub App is configured.
    github: GitHubApp | None
    #: Asks the live model.
    client: httpx.Client

    def stages_with(self, listener: Listener) -> ProductStages:
        """Return the same stages, reporting to `listener`."""
        return replace(self.stages, listener=listener)

    def close(self) -> None:
        """Commit what waits, and close connections to databases, models and GitHub."""
        self.store.close()
        self.work_engine.dispose()
        self.client.close()
        if self.github is not None:
            self.github.close()


def assemble(settings: Settings, *, sandbox: Sandbox | None = None) -> Product:
    """Build the product.

    Parameters
    ----------
    sandbox
        Runs repositories' code; by default bubblewrap, or nothing where that does not work.

    Raises
    ------
    BadSetting, bot.errors.StoreError
        When a setting or the database cannot be used.

    """
    settings = with_stored_app(settings)
    github = _github(settings)
    engine, work_engine = _engines(settings)
    no_sandbox = ""
    if sandbox is None:
        try:
            sandbox = find_sandbox(python=Path(settings.python))
        except (SandboxMissing, OSError) as error:
            no_sandbox = str(error)
    store = Store(engine, now=utc_now, min_free_bytes=settings.min_free_bytes)
    client = httpx.Client(timeout=MODEL_TIMEOUT_S)
    stages = ProductStages(
        store=store,
        forge_of=forge_finder(github, folder=settings.data / "pull-requests"),
        encoder=MiniLM(),
        sandbox=sandbox,
        no_sandbox=no_sandbox,
        model=build_model(settings),
        a_day=Allowance(tokens=settings.fixer_tokens_per_day, cost_usd=settings.fixer_usd_per_day),
        judge=build_judge(settings),
        namer=build_namer(settings),
        live=_live(settings, client),
        discretions=build_discretions(settings),
        quiet_s=settings.quiet_s,
        now=utc_now,
    )
    return Product(settings=settings, store=store, work_engine=work_engine, stages=stages, github=github, client=client)


def forge_finder(github: GitHubApp | None, *, folder: Path) -> Callable[[str, str], Forge]:
    """Return what finds the forge of a tenant's repository; local ones keep their pull requests below `folder`."""

    def find(tenant: str, repository: str) -> Forge:
        if tenant == LOCAL:
            return LocalForge(Path(repository), folder=folder / Path(repository).name)
        if github is None:
            raise BadSetting(f"{repository} is on GitHub, but no GitHub App is set up: `tracewright serve` shows how")
        return github.forge(repository, int(tenant))

    return find


def _engines(settings: Settings) -> tuple[sa.Engine, sa.Engine]:
    """Return the engines of the records and of the work."""
    name = "TRACEWRIGHT_DATABASE_URL" if settings.database_url else f"TRACEWRIGHT_DATA={str(settings.data)!r}"
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        return open_engine(settings.engine_url), open_engine(settings.work_url)
    except OSError as error:
        raise BadSetting(f"{name} cannot be used: {error.strerror}: {error.filename!r}") from error
    except (sa.exc.ArgumentError, ModuleNotFoundError, ValueError) as error:  # a URL may hold a password: not repeated
        raise BadSetting(f"{name} is not a URL of SQLite or PostgreSQL: {error}") from error


def _github(settings: Settings) -> GitHubApp | None:
    if not settings.github_app_id:
        return None
    name = f"TRACEWRIGHT_GITHUB_PRIVATE_KEY_FILE={settings.github_private_key_file!r}"
    try:
        key = Path(settings.github_private_key_file).read_text("ascii")
        load_pem_private_key(key.encode(), password=None)
    except OSError as error:
        raise BadSetting(f"{name} cannot be read: {error.strerror}") from error
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise BadSetting(f"{name} is not a private key in PEM without a password") from error
    return GitHubApp(settings.github_app_id, key, api_url=settings.api_url)


def build_judge(settings: Settings) -> Advisor | None:
    """Return what audits runs, None without a model or without a budget for it."""
    return _advisor(settings, settings.judge_tokens_per_day, settings.judge_usd_per_day)


def build_namer(settings: Settings) -> Advisor | None:
    """Return what writes headlines and titles, None without a model or without a budget for it."""
    return _advisor(settings, settings.headline_tokens_per_day, settings.headline_usd_per_day)


def _advisor(settings: Settings, tokens_per_day: int, usd_per_day: float) -> Advisor | None:
    model = build_model(settings) if tokens_per_day and usd_per_day else None
    if model is None:
        return None
    return Advisor(
        model=model,
        name=settings.model,
        tokens_per_day=tokens_per_day,
        usd_per_day=usd_per_day,
        usd_per_million=(settings.usd_per_million_input_tokens, settings.usd_per_million_output_tokens),
    )


def build_model(settings: Settings) -> Model | None:
    """Return the model behind the agent fixer, None when there is no key for one."""
    if not settings.openai_api_key:
        return None
    import openai  # noqa: PLC0415  # takes half a second, and only an installation with a model pays it

    client = openai.OpenAI(
        api_key=settings.openai_api_key, base_url=settings.openai_base_url or None, timeout=MODEL_TIMEOUT_S
    )
    return OpenAIModel(
        client=client,
        name=settings.model,
        input_price=settings.usd_per_million_input_tokens,
        output_price=settings.usd_per_million_output_tokens,
    )


def _live(settings: Settings, client: httpx.Client) -> LiveModel | None:
    if not settings.replay_base_url:
        return None
    return LiveEndpoint(
        name=settings.replay_model,
        is_steady=bool(settings.replay_is_steady),
        base_url=settings.replay_base_url,
        api_key=settings.replay_api_key,
        client=client,
    )
