"""Draft a fix: recipes first, the agent where no recipe fits; edits outside the harness's scope are dropped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from clustering.failure import Failure
from fixers.assignment import Assignment
from fixers.diagnosis import Diagnosis
from fixers.proposal import Proposal
from fixers.recipes.final_answer import FinalAnswer
from fixers.recipes.joined_results import JoinedResults
from fixers.recipes.json_answers import JsonAnswers
from fixers.recipes.lost_prompt import LostPrompt
from fixers.recipes.model_settings import OUTPUT_LIMIT, TEMPERATURE
from fixers.recipes.none_content import NoneContent
from fixers.recipes.parallel_results import ParallelResults
from fixers.recipes.recipe import Fix, Recipe, Seen
from fixers.recipes.retry import Retry
from fixers.recipes.retry_after import RetryAfter
from fixers.recipes.retry_http import RetryHttp
from fixers.recipes.shared_state import SharedState
from fixers.recipes.siblings import with_siblings
from fixers.recipes.swallowed_cancel import SwallowedCancel
from fixers.recipes.swallowed_errors import SwallowedErrors
from fixers.recipes.time_limit import TimeLimit
from fixers.recipes.tool_arguments import ToolArguments
from fixers.recipes.tool_crash import ToolCrash
from fixers.recipes.tool_time_limit import ToolTimeLimit
from fixers.recipes.transient_errors import TransientErrors
from fixers.recipes.truncation import Truncation
from fixers.recipes.unknown_tool import UnknownTool
from fixers.scope import MAX_FILE_BYTES, violations
from webhooks import semconv
from webhooks.trace import Trace

RECIPES: tuple[Recipe, ...] = (
    Retry(),
    RetryHttp(),
    TransientErrors(),
    RetryAfter(),
    TimeLimit(),
    JsonAnswers(),
    NoneContent(),
    ToolArguments(),
    UnknownTool(),
    ToolCrash(),
    ToolTimeLimit(),
    Truncation(),
    LostPrompt(),
    FinalAnswer(),
    ParallelResults(),
    JoinedResults(),
    OUTPUT_LIMIT,
    SwallowedErrors(),
    SwallowedCancel(),
    SharedState(),
    TEMPERATURE,
)

#: Repositories are read up to here; an agent that is larger is for the agent fixer, which searches instead.
MAX_FILES = 5_000
MAX_AT_RISK = 50
#: Recipes that hold for one failure mode; each more makes the statistics stricter for all.
MAX_CANDIDATES = 3
_SKIPPED = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".ruff_cache", "site-packages"}
)
_READ = frozenset({".py", ".toml", ".cfg", ".ini"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The proposals worth verifying, and why there are no others."""

    proposals: tuple[Proposal, ...]
    #: One sentence for each recipe, agent or edit that came to nothing.
    notes: tuple[str, ...]
    #: What the rules of diagnosis found, also where nothing came of it; None when nobody asked.
    diagnosis: Diagnosis | None = None


def draft(
    assignment: Assignment,
    *,
    recipes: Sequence[Recipe] = RECIPES,
    agent: Callable[[], Proposal | str] | None = None,
) -> Drafted:
    """Return the proposals for one failure mode.

    Parameters
    ----------
    assignment
        What fails, and where.
    recipes
        Tried in order; the first `MAX_CANDIDATES` fixes within the scope are kept, the likeliest first.
    agent
        Called only when no recipe yields one; returns a proposal, or a sentence that says why there is none.

    """
    notes: list[str] = []
    mode = assignment.mode
    fitting = [recipe for recipe in recipes if recipe.fits(mode, assignment.failures)]
    kept = (_kept(proposal, assignment, notes) for proposal in _fixes(fitting, assignment, notes))
    found = tuple(islice((proposal for proposal in kept if proposal), MAX_CANDIDATES))
    if found:
        return Drafted(proposals=found, notes=tuple(notes))
    if recipes and not fitting:
        notes.append(f"no recipe fits {mode.detector} failures of {mode.key!r}")
    if agent is None:
        return Drafted(proposals=(), notes=tuple(notes))
    answer = agent()
    if isinstance(answer, str):
        return Drafted(proposals=(), notes=(*notes, f"agent: {answer}"))
    proposal = _kept(answer, assignment, notes)
    return Drafted(proposals=(proposal,) if proposal else (), notes=tuple(notes))


def _fixes(recipes: Sequence[Recipe], assignment: Assignment, notes: list[str]) -> Iterator[Proposal]:
    """Yield what each recipe makes of the repository; those that decline say why in `notes`."""
    sources = read_sources(assignment.checkout) if recipes else {}
    diagnosis, seen = assignment.diagnosis, Seen(failures=assignment.failures, traces=assignment.runs)
    for recipe in recipes:
        fix = recipe.apply(sources, diagnosis, seen=seen)
        if isinstance(fix, str):
            notes.append(f"recipe {recipe.name}: {fix}")
        else:
            whole = with_siblings(fix, recipe, sources, diagnosis=diagnosis, seen=seen, harness=assignment.harness)
            yield _proposal(whole, recipe=recipe, diagnosis=diagnosis, base_sha=assignment.base_sha)


def read_sources(checkout: Path) -> dict[str, str]:
    """Return the text of code and settings by path; links and files that are too large or not UTF-8 are left out."""
    found = {}
    for path in _files(checkout):
        try:
            text = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        found[path.relative_to(checkout).as_posix()] = text
        if len(found) == MAX_FILES:
            break
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files to read, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix in _READ and path.is_file() and path.stat().st_size <= MAX_FILE_BYTES:
            yield path


def _proposal(fix: Fix, *, recipe: Recipe, diagnosis: Diagnosis, base_sha: str) -> Proposal:
    return Proposal(
        failure_mode_id=diagnosis.failure_mode_id,
        base_sha=base_sha,
        diagnosis=replace(diagnosis, layer=recipe.layer),
        author=f"recipe:{recipe.name}",
        title=fix.title,
        rationale=fix.rationale,
        edits=fix.edits,
        regression_test=fix.regression_test,
        risk=fix.risk,
    )


def _kept(proposal: Proposal, assignment: Assignment, notes: list[str]) -> Proposal | None:
    """Return the proposal with its manifest when all its edits may be made; half of a fix is not a fix."""
    found = violations(proposal.edits, assignment.harness)
    if assignment.in_public and not found:
        quoting = assignment.quotes(proposal.edits, {})
        found = [f"{path}: has words of recorded runs, and everybody can read this repository" for path in quoting]
    found += [f"held back: {told}" for told in _held_back(proposal, assignment)]
    notes += [f"{proposal.author}: {reason}" for reason in found]
    return None if found else _complete(proposal, assignment.failures, assignment.runs)


def _held_back(proposal: Proposal, assignment: Assignment) -> list[str]:
    """Return what people said of this recipe's fixes where it would change files again; a model is told, and may."""
    if not proposal.author.startswith("recipe:"):
        return []
    paths = {edit.path for edit in proposal.edits} - {proposal.regression_test}
    same = (each for each in assignment.refused if each.author == proposal.author)
    return [each.told for each in same if each.paths & paths]


def _complete(proposal: Proposal, failures: Sequence[Failure], traces: Mapping[str, Trace]) -> Proposal:
    """Add the manifest that is checked after the merge: what should stop failing, and what might start to."""
    failing = list(dict.fromkeys(failure.trace_id for failure in failures))
    return replace(
        proposal,
        predicted_fixes=proposal.predicted_fixes or tuple(failing),
        at_risk=proposal.at_risk or tuple(at_risk(failing, traces)),
    )


def at_risk(failing: Sequence[str], traces: Mapping[str, Trace]) -> list[str]:
    """Return the ids of the other traces that share most with the failing ones in tools and span names, at most 50."""
    shared = {step for trace_id in failing if trace_id in traces for step in _steps(traces[trace_id])}
    others = {
        trace_id: len(shared & _steps(trace)) for trace_id, trace in sorted(traces.items()) if trace_id not in failing
    }
    near = sorted((trace_id for trace_id, n in others.items() if n), key=lambda trace_id: -others[trace_id])
    return near[:MAX_AT_RISK]


def _steps(trace: Trace) -> set[str]:
    return {semconv.tool_name(span) or span.name for span in trace.spans}
