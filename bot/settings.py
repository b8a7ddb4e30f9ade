"""Settings: what the operator decides, read once from the environment and passed on as plain arguments."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.errors import BadSetting

PREFIX = "TRACEWRIGHT_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is read from `TRACEWRIGHT_<FIELD>`, but for the two that the openai client reads too."""

    #: Folder for everything that is written: database, pull requests of local repositories, working copies.
    data: Path = Path("tracewright-data")
    #: SQLAlchemy URL; empty means SQLite in `data`. PostgreSQL: postgresql+psycopg://user:password@host/name
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8321
    #: Seconds between two runs of the loop while serving.
    interval_s: float = 300.0
    #: Seconds without a new span after which a trace without an ended root counts as complete.
    quiet_s: float = 60.0
    #: Bytes that must stay free on the disk of a SQLite database; with less, nothing more is accepted.
    min_free_bytes: int = 256 * 1024 * 1024
    #: Days that a trace is kept after its last span came; 0 keeps it for ever.
    keep_days: float = 30.0
    #: Bytes that everything may take; beyond that the oldest is deleted; 0 is without a limit.
    keep_bytes: int = 0
    #: Exact values, separated by commas, that are never to be kept; beside the well-known kinds of secrets.
    canaries: str = ""
    #: 1 to take e-mail addresses, phone, card and account numbers out of what is kept, too.
    redact_personal_data: int = 0
    #: 1 to take them out of what people are shown: pull requests, check runs, comments, the dashboard issue.
    hide_personal_data: int = 1
    #: The GitHub App; empty means local repositories only.
    github_app_id: str = ""
    github_private_key_file: str = ""
    github_webhook_secret: str = ""
    #: What other systems sign their webhooks with: `secret` or `tenant:secret`, separated by commas; empty refuses all.
    webhook_secrets: str = ""
    langsmith_webhook_secrets: str = ""
    langfuse_webhook_secrets: str = ""
    #: github.com, or an Enterprise Server's address.
    github_url: str = "https://github.com"
    #: Empty: the one that belongs to `github_url`.
    github_api_url: str = ""
    #: Where GitHub and browsers reach this installation; empty means this machine alone.
    public_url: str = ""
    #: Days after an uninstallation until everything of the tenant is deleted; a new installation meanwhile revives it.
    keep_uninstalled_days: float = 30.0
    #: What the operator's HTTP routes ask for as a bearer token; empty refuses all.
    operator_token: str = ""
    #: Interpreter that has the agent's dependencies; runs its tests and replays in the sandbox.
    python: str = sys.executable
    #: The model behind the agent fixer: OPENAI_API_KEY, OPENAI_BASE_URL and a name. No key: recipes alone.
    openai_api_key: str = ""
    openai_base_url: str = ""
    model: str = "gpt-5"
    usd_per_million_input_tokens: float = 0.0
    usd_per_million_output_tokens: float = 0.0
    #: What the agent fixer may cost a tenant in a day, UTC: tokens, and US dollars where prices are set; 0: no limit.
    fixer_tokens_per_day: int = 5_000_000
    fixer_usd_per_day: float = 50.0
    #: What the judge may cost in 24 hours: tokens, and US dollars where prices are set; 0 turns it off, as no key does.
    judge_tokens_per_day: int = 200_000
    judge_usd_per_day: float = 1.0
    #: What headlines of failing runs and titles of failure modes may cost in 24 hours; 0 tokens: none are asked for.
    headline_tokens_per_day: int = 0
    headline_usd_per_day: float = 1.0
    #: The model that answers unrecorded calls in a replay; empty base URL: such cases are inconclusive.
    replay_base_url: str = ""
    replay_api_key: str = ""
    replay_model: str = ""
    #: 1 when that model always answers the same request alike: then no run is repeated to see how it varies.
    replay_is_steady: int = 0

    @property
    def engine_url(self) -> str:
        """The database as SQLAlchemy names it."""
        return self.database_url or f"sqlite:///{self.data / 'tracewright.db'}"

    @property
    def api_url(self) -> str:
        """GitHub's API. https://docs.github.com/en/enterprise-server/rest/overview/resources-in-the-rest-api."""
        if self.github_api_url:
            return self.github_api_url
        url = urlsplit(self.github_url)
        if url.hostname == "github.com" or (url.hostname or "").endswith(".ghe.com"):
            return f"{url.scheme}://api.{url.netloc}"
        return f"{url.scheme}://{url.netloc}/api/v3"

    @property
    def visited_url(self) -> str:
        """The address that browsers are sent to."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def work_url(self) -> str:
        """The database of DBOS: a file of its own on SQLite, so that its writes never wait for the receiver's."""
        return self.database_url or f"sqlite:///{self.data / 'work.db'}"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from environment variables.

    Raises
    ------
    BadSetting
        Naming the variable and its value.

    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        shared = field.name in {"openai_api_key", "openai_base_url"}
        name = field.name.upper() if shared else PREFIX + field.name.upper()
        if environ.get(name):
            values[field.name] = _parse(name, environ[name], type(field.default))
    return Settings(**values)


def _parse(name: str, text: str, kind: type) -> object:
    if kind not in {int, float}:
        return Path(text) if issubclass(kind, Path) else text
    try:
        number = kind(text)
    except ValueError as error:
        raise BadSetting(f"{name}={text!r} is not {'a whole' if kind is int else 'a'} number") from error
    if not 0 <= number < math.inf:
        raise BadSetting(f"{name}={text!r} is not a finite number, 0 or more")
    return number
