"""Draft fixes for one failure mode and try them, in a working copy that is thrown away afterwards."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from bot.agents import Agent
from bot.allowance import UNLIMITED, Allowance, left
from bot.errors import NoTraces
from bot.examine import detectors_for
from bot.learn import counted, refused_fixes
from bot.lesson import Learned, relevant
from bot.past_attempts import NO_MODEL, past_attempts
from bot.predicted import expected_rate
from bot.store.store import Store
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.agent import run_agent
from fixers.assignment import Assignment
from fixers.cases import choose_cases
from fixers.checkout import read_tree
from fixers.code_index import CodeIndex
from fixers.diagnose import diagnose
from fixers.draft import Drafted, draft
from fixers.eval_case import with_eval_case
from fixers.evidence import Evidence, Verdict
from fixers.harness import Harness, with_defaults
from fixers.model import Model
from fixers.proposal import Edit, Proposal
from fixers.recipes.recipe import Recipe
from fixers.replay.cassette import Cassette
from fixers.replay.playback import LiveModel
from fixers.revision import Revision
from fixers.sandbox import Sandbox
from fixers.scope import violations
from fixers.submission import AUTHOR
from fixers.verify import verify
from webhooks.trace import Trace

# Traces of a failure mode that are read for diagnosis, and healthy ones to compare with and to answer from.
N_FAILING = 30
N_HEALTHY = 200
# Failing traces that are read for the trial only: the fix has to hold for runs that nobody looked at.
N_UNSEEN = 20
# Runs that former fixes mended, each tried with every later fix; and how many of a fix are kept for that.
N_MENDED = 10
N_KEPT = 3


def draft_fixes(
    store: Store,
    tenant: str,
    mode: FailureMode,
    *,
    agent: Agent,
    recipes: Sequence[Recipe],
    model: Model | None,
    sandbox: Sandbox | None,
    revision: Revision | None = None,
    a_day: Allowance = UNLIMITED,
    may_be_shown: Callable[[str], bool] = lambda _: False,
) -> Drafted:
    """Diagnose the failure mode on the agent's base commit and draft proposals: recipes first, then the model.

    `may_be_shown` tells whether words of a run may stand in the repository, in a case for its eval set.
    """
    with _assigned(store, tenant, mode, agent) as assignment:
        lessons = _lessons(store, tenant, assignment, agent.forge.repository)
        ask = partial(
            _ask,
            assignment,
            store=store,
            tenant=tenant,
            model=model,
            sandbox=sandbox,
            lessons=lessons,
            revision=revision,
            a_day=a_day,
        )
        drafted = draft(assignment, recipes=recipes, agent=ask)
        found = [with_eval_case(each, assignment, may_be_shown=may_be_shown) for each in drafted.proposals]
        marked = tuple(_marked(each, assignment) for each in found)
    for proposal in marked:
        if proposal.author == AUTHOR:  # what holds a recipe back has drafted nothing
            store.use_lessons(tenant, [each.lesson.id for each in lessons], proposal_id=proposal.id)
    return replace(drafted, proposals=marked, diagnosis=assignment.diagnosis)


def _marked(proposal: Proposal, assignment: Assignment) -> Proposal:
    """Note on a proposal which runs its drafter could read, and what of it quotes them."""
    quotes = assignment.quotes(proposal.edits, proposal.texts)
    return replace(proposal, seen=tuple(assignment.traces), quotes_runs=tuple(sorted(quotes)))


@contextmanager
def _assigned(store: Store, tenant: str, mode: FailureMode, agent: Agent) -> Iterator[Assignment]:
    """Yield what is known of a failure mode, in a working copy.

    Raises
    ------
    NoTraces
        When none of its traces is kept any more.

    """
    failures, traces = _seen(store, tenant, mode)
    if not failures:
        raise NoTraces(f"no trace of failure mode {mode.id} is kept any more")
    healthy = _healthy(store, tenant, failures)
    with working_copy(agent) as (checkout, harness):
        index = CodeIndex.of(checkout)
        yield Assignment(
            mode=mode,
            failures=failures,
            traces=traces,
            healthy=healthy,
            diagnosis=diagnose(mode, failures, traces, index, healthy=healthy),
            checkout=checkout,
            index=index,
            harness=harness,
            base_sha=agent.base.sha,
            in_public=agent.in_public(),
            refused=refused_fixes(store, tenant, agent.forge.repository),
        )


def _lessons(store: Store, tenant: str, assignment: Assignment, repository: str) -> list[Learned]:
    diagnosis = assignment.diagnosis
    paths = [diagnosis.location.path] if diagnosis.location else []
    known = counted(store, tenant)
    return relevant(known, assignment.mode, repository=repository, layer=diagnosis.layer, paths=paths)


def _ask(
    assignment: Assignment,
    *,
    store: Store,
    tenant: str,
    model: Model | None,
    sandbox: Sandbox | None,
    lessons: Sequence[Learned],
    revision: Revision | None,
    a_day: Allowance,
) -> Proposal | str:
    """Let the model look for a fix within what is left of its budget; say why there is none."""
    mode = assignment.mode
    if model is None:
        return NO_MODEL
    if sandbox is None:
        return "a model is configured, but there is no sandbox for its commands"
    budget = left(
        assignment.harness.budget,
        on_mode=store.spent_on_mode(tenant, mode.id),
        today=store.spent_today(tenant),
        a_day=a_day,
    )
    if isinstance(budget, str):
        return budget
    run = run_agent(
        model,
        replace(assignment, harness=replace(assignment.harness, budget=budget)),
        sandbox=sandbox,
        may_edit=_scope(assignment.harness),
        attempts=past_attempts(store, tenant, mode),
        lessons=[(_teacher(each), each.lesson.text) for each in lessons],
        revision=revision,
    )
    store.add_spent(tenant, mode.id, tokens=run.tokens, cost_usd=run.cost_usd)
    return run.proposal or run.reason


def _teacher(learned: Learned) -> str:
    lesson = learned.lesson
    who = f"{lesson.author} on " if lesson.author else ""
    return f"an earlier fix ({lesson.kind}), {who}{lesson.pull_request}"


def try_fix(
    store: Store,
    tenant: str,
    proposal: Proposal,
    mode: FailureMode,
    *,
    agent: Agent,
    sandbox: Sandbox,
    live: LiveModel | None,
    n_candidates: int,
    on_progress: Callable[[int, int], None],
    n_more_healthy: int = 0,
) -> Evidence:
    """Run the repository's tests and replay failing and healthy runs, before and after the edits.

    `n_more_healthy` is how many more healthy runs than failing ones there are.
    """
    failures, traces = _seen(store, tenant, mode, limit=N_FAILING + N_UNSEEN)
    healthy = _healthy(store, tenant, failures)
    failing, guard = choose_cases(
        [*traces.values()],
        healthy,
        seen=proposal.seen,
        edited=[edit.path for edit in proposal.edits],
        at_risk=proposal.at_risk,
        n_more_healthy=n_more_healthy,
    )
    fixed: dict[str, Cassette] = {}
    with working_copy(agent) as (checkout, harness):
        evidence = verify(
            proposal,
            checkout=checkout,
            harness=harness,
            sandbox=sandbox,
            failing=failing,
            guard=guard,
            pool=[*traces.values(), *healthy],
            failures=_by_trace(failures),
            detectors=detectors_for(agent),
            live=live,
            n_candidates=n_candidates,
            tests_suffice=agent.plain,
            mended=store.mended_runs(tenant, failures[0].service, limit=N_MENDED) if failures else (),
            on_fixed=lambda run: fixed.update({run.trace_id: run}),
            on_progress=lambda done, total, _: on_progress(done, total),
        )
    if failures:
        expected = expected_rate(store, tenant, mode, service=failures[0].service, evidence=evidence)
        evidence = replace(evidence, expected=expected)
    if evidence.verdict is Verdict.VERIFIED:
        store.keep_mended_runs(tenant, proposal.id, [*fixed.values()][:N_KEPT])
    return evidence


@contextmanager
def working_copy(agent: Agent) -> Iterator[tuple[Path, Harness]]:
    """Yield a fresh folder with the agent's base commit, and its harness with defaults from what is there."""
    with tempfile.TemporaryDirectory(prefix="tracewright-") as folder:
        checkout = Path(folder) / "checkout"
        checkout.mkdir()
        agent.forge.fetch(agent.base.sha, checkout)
        yield checkout, agent.harness if agent.plain else with_defaults(agent.harness, read_tree(checkout, fit=True))


def _seen(
    store: Store, tenant: str, mode: FailureMode, *, limit: int = N_FAILING
) -> tuple[list[Failure], dict[str, Trace]]:
    traces = store.load_traces(tenant, store.traces_of_mode(tenant, mode.id, limit=limit))
    failures = [failure for failure in store.failures_of_mode(tenant, mode.id) if failure.trace_id in traces]
    # Two agents may fail alike; a fix is drafted for one, and tried on the runs of that one.
    failures = [failure for failure in failures if failure.service == failures[0].service]
    kept = {failure.trace_id for failure in failures}
    return failures, {trace_id: trace for trace_id, trace in traces.items() if trace_id in kept}


def _healthy(store: Store, tenant: str, failures: Sequence[Failure]) -> list[Trace]:
    service = failures[0].service if failures else ""
    found = store.load_traces(tenant, store.healthy_traces(tenant, service=service, limit=N_HEALTHY))
    return list(found.values())


def _by_trace(failures: Sequence[Failure]) -> dict[str, list[Failure]]:
    by_trace: dict[str, list[Failure]] = {}
    for failure in failures:
        by_trace.setdefault(failure.trace_id, []).append(failure)
    return by_trace


def _scope(harness: Harness) -> Callable[[str], str | None]:
    """Return what says why a path may not be edited, or None."""

    def why_not(path: str) -> str | None:
        return next(iter(violations([Edit(path=path, before=None, after="")], harness)), None)

    return why_not
