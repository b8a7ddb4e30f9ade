"""Fix a plain checkout: traces in, verified diffs out; no server, no records, and the checkout is never changed.

folder ─► snapshot ─┐
file ─► ingest ─► detect ─► group ─► draft ─► verify ─► diff, pull request body, verdict for each failure mode
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bot import git
from bot.agents import Agent
from bot.assemble import LOCAL
from bot.discretion import Discretion
from bot.errors import BadFile, BadSetting
from bot.examine import detectors_for
from bot.forge.errors import Refused
from bot.forge.forge import Draft
from bot.forge.local import LocalForge
from bot.group import group
from bot.ingest import ingest
from bot.ledger import EXPECTED
from bot.marks import decide_for_all, mark_of
from bot.mend import draft_fixes, try_fix
from bot.pr_body.body import page, render, title
from bot.redaction import build_discretions, build_redaction
from bot.settings import Settings
from bot.snapshot import snapshot
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.submit import LABELS, head_branch
from bot.workshop import Listener
from clustering.detect import detect
from clustering.embed import Encoder
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis
from fixers.draft import RECIPES
from fixers.evidence import Evidence, Verdict
from fixers.harness import CONFIGURATION_PATH, Budget, Harness, read_harnesses
from fixers.import_roots import missing_roots
from fixers.model import Model
from fixers.proposal import Proposal
from fixers.recipes.recipe import Recipe
from fixers.sandbox import Bubblewrap
from webhooks.trace import Trace

#: What people write harnesses and prompts in; beside what nobody's configuration can allow (`fixers.scope`).
ALLOW = (
    "**/*.py", "**/*.pyi", "**/*.md", "**/*.txt", "**/*.j2", "**/*.jinja", "**/*.jinja2", "**/*.tmpl", "**/*.prompt",
    "**/*.mustache", "**/*.yaml", "**/*.yml", "**/*.json", "**/*.xml",
)  # fmt: skip
DENY = ("build/**", "dist/**", "**/vendor/**", "**/_vendor/**", "**/third_party/**", "**/cassettes/**", "**/LICENSE*")
#: Every answer pays for the conversation before it, and large trees take more reading.
BUDGET = Budget(tokens=3_000_000, cost_usd=10.0, steps=80)
MAX_MODES = 5
PROPOSED = frozenset({Verdict.VERIFIED, Verdict.UNREPLAYED})
CHUNK = 200
#: Detectors that tell of a symptom, which others that saw the same runs explain; the least telling last.
_SYMPTOMS = {"tool_error": 1, "negative_feedback": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asks for."""

    folder: Path
    traces: Path
    test: tuple[str, ...]
    #: None where recorded runs cannot be replayed.
    replay: tuple[str, ...] | None = None
    #: Seconds for one run of the tests.
    timeout_s: float = 900.0
    budget: Budget = BUDGET
    #: Failure modes that are tried, most runs first. Without a model, one that no recipe fits costs nothing.
    max_modes: int = MAX_MODES


class Attempt(NamedTuple):
    """What came of one failure mode."""

    mode: FailureMode
    verdict: Verdict
    #: Why, in a sentence.
    reason: str
    proposal: Proposal | None = None
    evidence: Evidence | None = None
    #: Where the diff is; the pull request's body lies beside it as .md and .html. None when nothing is proposed.
    patch: Path | None = None
    #: What the rules of diagnosis say: where to look when there is no diff.
    diagnosis: Diagnosis | None = None


class Report(NamedTuple):
    """What `fix_checkout` returns."""

    attempts: tuple[Attempt, ...]
    n_traces: int
    n_failing: int
    #: Links and files that are too large: not part of what was tried.
    left_out: tuple[str, ...]
    #: Failure modes of fewer runs, beyond `Order.max_modes`.
    n_untried: int = 0

    @property
    def proposed(self) -> bool:
        """Whether there is a diff to look at."""
        return any(attempt.patch for attempt in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What every step of one run needs."""

    store: Store
    agent: Agent
    sandbox: Bubblewrap
    model: Model | None
    recipes: Sequence[Recipe]
    output: Path
    discretion: Discretion
    listener: Listener


def fix_checkout(
    order: Order,
    *,
    settings: Settings,
    sandbox: Bubblewrap,
    encoder: Encoder,
    model: Model | None,
    output: Path,
    listener: Listener,
    now: Callable[[], datetime],
    recipes: Sequence[Recipe] = RECIPES,
) -> Report:
    """Look for failure modes in a file of traces and for a fix of each; write what holds to `output`.

    Parameters
    ----------
    settings
        What is to be kept out of the records; their folder is not used.
    sandbox
        Runs the tests, with the interpreter that has the checkout's dependencies.
    encoder
        Embeds descriptions of failures.
    model
        Drafts what no recipe fits; None for recipes alone.
    output
        Receives `<n>.patch`, `<n>.md` and `<n>.html` for each proposal.

    Raises
    ------
    BadSetting, bot.errors.BadFile
        When the checkout or the file cannot be used.

    """
    folder = order.folder.resolve()
    if not folder.is_dir():
        raise BadSetting(f"{order.folder} is not a folder")
    with tempfile.TemporaryDirectory(prefix="tracewright-fix-") as scratch, _store(Path(scratch), now) as store:
        here = replace(settings, data=Path(scratch))
        taken = snapshot(folder, Path(scratch) / "repository.git")
        forge = LocalForge(Path(scratch) / "repository.git", folder=output)
        agent = Agent(forge=forge, base=forge.base(), harness=_harness(order, forge, folder.name), plain=True)
        work = _Work(
            store=store,
            agent=agent,
            sandbox=_at_home(sandbox, folder, agent, Path(scratch) / "probe"),
            model=model,
            recipes=recipes,
            output=output,
            discretion=build_discretions(here).of(LOCAL),
            listener=listener,
        )
        redaction = build_redaction(here)
        told = partial(listener, "reading traces")
        read = ingest(store, LOCAL, order.traces, redaction=redaction, received_at=now(), on_progress=told)
        if read.bad:
            raise BadFile(read.bad[0])
        n_traces, n_failing = _examine(work)
        group(store, LOCAL, encoder=encoder)
        attempts, n_untried = _attempts(work, order.max_modes)
    return Report(tuple(attempts), n_traces, n_failing, taken.left_out, n_untried)


@contextmanager
def _store(scratch: Path, now: Callable[[], datetime]) -> Iterator[Store]:
    store = Store(open_engine(f"sqlite:///{scratch / 'traces.db'}"), now=now)
    try:
        yield store
    finally:
        store.close()


def _harness(order: Order, forge: LocalForge, name: str) -> Harness:
    """Return the checkout's own configuration, if it has one, with the commands that were asked for."""
    text = forge.read_file(CONFIGURATION_PATH, forge.base().sha)
    known = read_harnesses(text or "", repository=name)[0]
    if text is None:
        known = replace(known, allow=ALLOW)
    return replace(
        known,
        services=("*",),
        deny=(*known.deny, *DENY),
        test=order.test,
        replay=order.replay or known.replay,
        timeout_s=order.timeout_s,
        budget=order.budget,
    )


def _at_home(sandbox: Bubblewrap, folder: Path, agent: Agent, probe: Path) -> Bubblewrap:
    """Let copies appear where the checkout lies, so that an editable install finds the copy and not an older one."""
    agent.forge.fetch(agent.base.sha, probe)
    homed = replace(sandbox, at=folder)
    paths = [path.relative_to(probe).as_posix() for path in probe.rglob("*.py")]
    paths += [
        path.relative_to(probe).as_posix() for name in ("pyproject.toml", "setup.cfg") for path in probe.rglob(name)
    ]
    roots = missing_roots(homed, probe, paths)
    if not roots:
        return homed
    return replace(homed, variables={**homed.variables, "PYTHONPATH": ":".join(str(folder / root) for root in roots)})


def _examine(work: _Work) -> tuple[int, int]:
    """Detect failures in the runs that are not marked as good, nor good because nobody marked them."""
    store, detectors = work.store, detectors_for(work.agent)
    waiting = store.traces_to_examine(LOCAL, quiet_s=0, limit=1_000_000)
    marks = {trace.trace_id: mark_of(trace) for trace in _loaded(store, waiting)}
    rest_is_healthy = decide_for_all(list(marks.values()))
    failing = 0
    for done, trace in enumerate(_loaded(store, waiting), start=1):
        failed = marks[trace.trace_id].failed
        found = detect(trace, detectors) if failed or (failed is None and not rest_is_healthy) else []
        store.save_examined(LOCAL, trace, found)
        failing += bool(found)
        work.listener("detecting failures", done, len(waiting))
    return len(waiting), failing


def _loaded(store: Store, trace_ids: Sequence[str]) -> Iterator[Trace]:
    for start in range(0, len(trace_ids), CHUNK):
        yield from store.load_traces(LOCAL, trace_ids[start : start + CHUNK]).values()


def _attempts(work: _Work, max_modes: int) -> tuple[list[Attempt], int]:
    """Try the failure modes, most runs first, and count those that are left.

    One whose runs all have a proposal by now is passed over.
    """
    modes = [mode for mode in work.store.failure_modes(LOCAL) if mode.n_traces]
    # What a person marked is the symptom; a detector that saw the same runs says more.
    # What a tool refused may be as it should be; what ended the same runs is not.
    modes.sort(key=lambda mode: (-mode.n_traces, _SYMPTOMS.get(mode.detector, 0), mode.id))
    attempts: list[Attempt] = []
    covered: dict[str, str] = {}
    n_tried = 0
    for number, mode in enumerate(modes):
        if n_tried >= max_modes:
            return attempts, len(modes) - number
        runs = set(work.store.traces_of_mode(LOCAL, mode.id, limit=1_000_000))
        if runs <= covered.keys():
            other = covered[min(runs)]
            attempts.append(Attempt(mode, Verdict.NO_PROPOSAL, f"all its runs are those of {other}, which has a fix"))
            continue
        attempt = _attempt(work, mode)
        attempts.append(attempt)
        n_tried += bool(work.model or attempt.proposal)
        if attempt.patch:
            covered |= dict.fromkeys(runs, mode.id[:8])
    return attempts, 0


def _attempt(work: _Work, mode: FailureMode) -> Attempt:
    """Try recipes, then the model, until something holds; trouble around one failure mode is its verdict."""
    last = Attempt(mode, Verdict.NO_PROPOSAL, "nothing fits")
    try:
        for recipes in (work.recipes, ()) if work.model else (work.recipes,):
            last = _drafted(work, mode, recipes)
            if last.patch or (last.proposal and last.proposal.author == "agent"):
                return last
    except EXPECTED as error:
        return Attempt(mode, Verdict.FAULT, str(error))
    return last


def _drafted(work: _Work, mode: FailureMode, recipes: Sequence[Recipe]) -> Attempt:
    told = partial(work.listener, f"drafting: {mode.title}")
    told(0, 1)
    drafted = draft_fixes(
        work.store,
        LOCAL,
        mode,
        agent=work.agent,
        recipes=recipes,
        model=work.model,
        sandbox=work.sandbox,
        may_be_shown=work.discretion.is_plain,
    )
    told(1, 1)
    last = Attempt(mode, Verdict.NO_PROPOSAL, "; ".join(drafted.notes) or "nothing fits", diagnosis=drafted.diagnosis)
    for n_candidates, proposal in enumerate(drafted.proposals, start=1):
        work.store.save_proposal(LOCAL, proposal)  # runs that it mends are kept with it
        evidence = try_fix(
            work.store,
            LOCAL,
            proposal,
            mode,
            agent=work.agent,
            sandbox=work.sandbox,
            live=None,
            n_candidates=n_candidates,
            on_progress=partial(work.listener, f"verifying: {mode.title}"),
        )
        last = _kept(work, mode, proposal, evidence)
        if last.patch:
            return last
    return last


def _kept(work: _Work, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> Attempt:
    """Write the diff and the pull request's body of a proposal that held and that the gate lets through."""
    attempt = Attempt(mode, evidence.verdict, evidence.reason, proposal, evidence)
    if evidence.verdict not in PROPOSED:
        return attempt
    traffic, shown = work.store.traffic_of_all(LOCAL), work.discretion
    told, proved, named = shown.proposal(proposal), shown.evidence(evidence), shown.mode(mode)
    draft = Draft(
        head_branch=head_branch(proposal),
        base=work.agent.base,
        title=title(told),
        body=render(told, proved, named, traffic=traffic),
        page_html=page(told, proved, named, traffic=traffic),
        edits=proposal.edits,
        commit_message=f"{title(told)}\n",
        harness=work.agent.harness,
        labels=LABELS,
    )
    try:
        opened = work.agent.forge.open_pull_request(draft)
    except Refused as error:
        return attempt._replace(verdict=Verdict.OUT_OF_SCOPE, reason=str(error))
    patch = work.output / f"{opened.number}.patch"
    repo = git.git_dir(Path(work.agent.forge.repository))
    patch.write_bytes(git.run(repo, "diff-tree", "-p", "--full-index", work.agent.base.sha, opened.head_sha))
    # Where the diff lies is known only now.
    body = render(told, proved, named, traffic=traffic, patch=str(patch))
    work.agent.forge.update_body(opened, body)
    patch.with_suffix(".html").write_text(page(told, proved, named, traffic=traffic, patch=str(patch)))
    return attempt._replace(patch=patch)
