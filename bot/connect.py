"""Connect a repository: find its tenant, remember it, and make an ingestion key."""

import re
from pathlib import Path
from typing import NamedTuple

from bot.assemble import LOCAL, Product
from bot.errors import BadSetting

# https://docs.github.com/en/rest/repos/repos: what GitHub allows in an owner's and a repository's name.
GITHUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


class Connected(NamedTuple):
    """A repository that may send traces from now on."""

    tenant: str
    repository: str
    #: Shown this once; only its hash is kept.
    key: str


def connect(product: Product, repository: str) -> Connected:
    """Connect a git repository on disk, or one on GitHub that the App is installed on.

    Raises
    ------
    BadSetting
        When it is neither, or no App is configured.
    bot.errors.ForgeError
        When the repository cannot be read.

    """
    tenant, name = _tenant(product, repository)
    product.stages.forge_of(tenant, name).base()
    product.store.connect_repository(tenant, name)
    return Connected(tenant, name, product.store.create_key(tenant))


def _tenant(product: Product, repository: str) -> tuple[str, str]:
    if Path(repository).is_dir():
        return LOCAL, str(Path(repository).resolve())
    if not GITHUB_NAME.fullmatch(repository):
        raise BadSetting(f"{repository!r} is neither a folder nor owner/name on GitHub")
    if product.github is None:
        raise BadSetting(f"{repository} is on GitHub, but no GitHub App is set up: `tracewright serve` shows how")
    return str(product.github.installation_id(repository)), repository
