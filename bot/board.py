"""Keep the dashboard issue of each repository that wants one: read its boxes, write what waits."""

import logging
from collections.abc import Iterator, Sequence

from bot.agents import Agent, Agents
from bot.discretion import Discretion
from bot.errors import ForgeError
from bot.forge.forge import Forge
from bot.in_public import shown_to_strangers
from bot.pr_body.dashboard_issue import MARKER, TITLE, Shown, checked, render_dashboard
from bot.queue import Queue
from bot.store.store import Store
from clustering.failure_mode import Status

log = logging.getLogger(__name__)

QUIET = frozenset({Status.ARCHIVED, Status.RESOLVED})


def read_boards(store: Store, tenant: str, agents: Agents) -> None:
    """Note which boxes people have checked; a forge that does not answer is asked again in the next run."""
    for forge in _with_board(agents):
        try:
            _note_checked(store, tenant, forge)
        except ForgeError as error:
            log.warning("the dashboard of %s could not be read: %s", forge.repository, error)


def write_boards(store: Store, tenant: str, agents: Agents, queue: Queue, discretion: Discretion) -> None:
    """Show what waits, and what was decided meanwhile; an issue that says so already is not touched."""
    for forge in _with_board(agents):
        try:
            before = _note_checked(store, tenant, forge)
            here = [agent for agent in agents.readable if agent.forge.repository == forge.repository]
            public = any(agent.in_public() for agent in here)
            shown = shown_to_strangers(discretion, store, tenant) if public else discretion
            body = _body(store, tenant, here, queue, forge.repository, shown)
            if body.strip() != (before or "").strip():
                forge.keep_issue(MARKER, TITLE, body)
        except ForgeError as error:
            log.warning("the dashboard of %s could not be written: %s", forge.repository, error)


def _with_board(agents: Agents) -> Iterator[Forge]:
    wanted = {agent.forge.repository: agent.forge for agent in agents.readable if agent.harness.manners.dashboard}
    yield from wanted.values()


def _note_checked(store: Store, tenant: str, forge: Forge) -> str | None:
    """Keep what was asked for by a box, and return the issue's body."""
    body = forge.read_issue(MARKER)
    waiting = {entry.failure_mode_id for entry in store.waiting(tenant) if entry.repository == forge.repository}
    for mode_id in checked(body or "", waiting):
        store.ask(tenant, mode_id)
    return body


def _body(  # noqa: PLR0917
    store: Store, tenant: str, here: Sequence[Agent], queue: Queue, repository: str, discretion: Discretion
) -> str:
    modes = {mode.id: mode for mode in store.failure_modes(tenant) if mode.status not in QUIET}
    verdicts = store.verdicts(tenant)
    shown = []
    for entry in store.waiting(tenant):
        mode = modes.get(entry.failure_mode_id)
        if mode is not None and entry.repository == repository:
            last = verdicts[mode.id][-1] if mode.id in verdicts and not entry.base_sha else None
            told = discretion.unless_public(f"{last.verdict.value}: {last.reason}", last.verdict.value) if last else ""
            shown.append(Shown(entry, discretion.mode(mode), told))
    standings = {agent.harness.name: queue.standing(tenant, agent).reason for agent in here}
    still_open = [
        opened.pull_request.url
        for opened in store.pull_requests(tenant)
        if opened.pull_request.repository == repository and opened.pull_request.state == "open"
    ]
    return render_dashboard(shown, standings, still_open)
