"""First contact: ask a repository's people for a configuration, once, and do nothing else before they say yes.

A closed pull request is a no: the branch's pull request is looked up, whatever became of it, and none follows.
"""

import logging
from collections.abc import Callable, Sequence

from bot.errors import BadSetting, ForgeError
from bot.forge.forge import Draft, Forge
from bot.store.store import Store
from fixers.harness import CONFIGURATION_PATH, Harness
from fixers.proposal import Edit
from fixers.suggest import READ, suggest

BRANCH = "tracewright/configure"
TITLE = "Configure Tracewright"
LABELS = ("tracewright",)
log = logging.getLogger(__name__)

BODY = """\
Tracewright was installed here. It reads the traces that your agent sends to it, groups what fails, and proposes fixes
as pull requests, each tried on recorded runs first. **Until this file is on the default branch it proposes nothing.**

`{path}` says which agent lives here, what may be edited, and how it is tested. It was filled in from what this
repository shows; please correct it:

{found}

| if you | then |
|---|---|
| merge this | draft pull requests may follow, for failures that were seen and fixes that held |
| set `autonomy: observe` first | failures are reported, and no pull request is opened |
| close this | Tracewright stays silent here and does not ask again |

To undo it later, delete the file or uninstall the App. This was written by a bot, from a template.
"""


def ask_everyone(store: Store, tenant: str, forge_of: Callable[[str, str], Forge]) -> None:
    """Ask in each of the tenant's repositories that was not asked yet; one that does not answer is asked later."""
    for repository in store.unasked_repositories(tenant):
        try:
            is_done = ask(forge_of(tenant, repository), services=_services(store, tenant, repository))
        except (BadSetting, ForgeError) as error:
            log.warning("no configuration could be proposed to %s: %s", repository, error)
            continue
        if is_done:
            store.mark_asked(tenant, repository)


def ask(forge: Forge, *, services: Sequence[str] = ()) -> bool:
    """Propose a configuration; False when nothing looks like an agent yet, so that there is nothing to ask.

    Raises
    ------
    bot.errors.ForgeError
        When the forge does not answer.

    """
    if not forge.opt_in:
        return True
    base = forge.base()
    paths = forge.paths(base.sha)
    if CONFIGURATION_PATH in paths or forge.find_pull_request(BRANCH) is not None:
        return True
    found = {path: forge.read_file(path, base.sha) or "" for path in READ if path in paths}
    if forge.is_public():  # what else sends traces here is nobody's business
        shown = [*found.values(), *paths, forge.repository]
        services = [service for service in services if any(service in text for text in shown)]
    configuration = suggest(paths, found, repository=forge.repository, services=services)
    if configuration is None:
        return False
    draft = Draft(
        head_branch=BRANCH,
        base=base,
        title=TITLE,
        body=_body(configuration),
        page_html="",
        edits=(Edit(path=CONFIGURATION_PATH, before=None, after=configuration),),
        commit_message=f"{TITLE}\n\nWritten by a bot from what the repository shows; please correct it.\n",
        harness=Harness(name="none"),
        labels=LABELS,
        draft=False,
        is_configuration=True,
    )
    forge.open_pull_request(draft)
    return True


def _body(configuration: str) -> str:
    # Indented, not fenced: no line of the file can end the block.
    shown = "\n".join(f"    {line}".rstrip() for line in configuration.splitlines())
    return BODY.format(path=CONFIGURATION_PATH, found=shown)


def _services(store: Store, tenant: str, repository: str) -> list[str]:
    """Return the services that belong to the repository: all when it is alone, else those that are called like it."""
    seen = store.services(tenant)
    if len(store.repositories(tenant)) == 1:
        return seen
    name = _plain(repository.rpartition("/")[2])
    return [service for service in seen if _plain(service) == name]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
