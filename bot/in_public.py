"""What strangers are shown, where everybody reads a repository: counts, the template of a failure, no words of runs.

The owners allow more with `pull_requests: {publish_runs: true}` in the configuration.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.agents import read_agents
from bot.discretion import Discretion
from bot.errors import Refused
from bot.forge.forge import Forge
from bot.store.store import Store
from clustering.describe import REFUSALS
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from clustering.title import LIMITS
from fixers.proposal import Proposal
from fixers.quoted_runs import MANY_PEOPLE, words_of

#: Titles are made of these words of ours, and of what runs say.
OURS = frozenset(
    words_of(
        f"{' '.join(LIMITS.values())} {' '.join(REFUSALS)} fails is called again and again with the same arguments "
        "negative on runs that judged rule is broken"
    )
)


def shown_to_strangers(discretion: Discretion, store: Store, tenant: str) -> Discretion:
    """Return the discretion of a repository that everybody reads."""
    return replace(discretion, titled=lambda mode: public_title(mode, store.failures_of_mode(tenant, mode.id)))


def shown_in(discretion: Discretion, store: Store, tenant: str, forge: Forge, *, agent: str) -> Discretion:
    """Return the discretion that holds in a repository now; `agent` names whose configuration may allow more."""
    if not forge.is_public():
        return discretion
    agents = read_agents([forge.repository], lambda _: forge).readable
    if any(each.harness.name == agent and each.harness.manners.publish_runs for each in agents):
        return discretion
    return shown_to_strangers(discretion, store, tenant)


def public_title(mode: FailureMode, failures: Sequence[Failure]) -> str:
    """Return the title where each word of it is ours or several people's, else the kind of failure alone."""
    shared = OURS | _shared((each, f"{each.message} {each.reason} {_kind(each)}") for each in failures)
    if shared.issuperset(words_of(mode.title)):
        return mode.title
    kind = f"A failure of the kind “{mode.detector.replace('_', ' ')}”"
    return (
        f"{kind}: {mode.key}" if _shared((each, each.key) for each in failures).issuperset(words_of(mode.key)) else kind
    )


def refuse_in_public(proposal: Proposal) -> None:
    """Raise `Refused` when strangers may not read the edits: a fix whose tests hold words of runs stays here."""
    paths = {edit.path for edit in proposal.edits}
    if proposal.quotes_runs is None or paths.intersection(proposal.quotes_runs):
        raise Refused(
            "the edits have words of recorded runs, or it is not known whether they do, and everybody can read this "
            "repository"
        )


def _kind(failure: Failure) -> str:
    return f"{failure.detector} {failure.key}"


def _shared(said: Iterable[tuple[Failure, str]]) -> frozenset[str]:
    """Return the words that the failures of several people have in common."""
    people: dict[str, set[str]] = {}
    for failure, text in said:
        for word in words_of(text):
            people.setdefault(word, set()).add(failure.user_id or failure.session_id or failure.trace_id)
    return frozenset(word for word, met in people.items() if len(met) >= MANY_PEOPLE)
