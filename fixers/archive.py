"""Archive: every past attempt on a failure mode, as pages that the agent reads and searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff

from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun
from fixers.proposal import Edit, Proposal
from fixers.quoting import fenced, one_line

MAX_TOLD = 8  # attempts that the digest names
MAX_OUTPUT = 4_000  # characters of a test run


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was tried, and what came of it."""

    #: None when nothing was drafted.
    proposal: Proposal | None
    #: The verdict's name.
    verdict: str
    #: Why, in a sentence. May quote a model or a test.
    reason: str
    evidence: Evidence | None = None
    #: The other failure mode that it was made for; empty for the one at hand.
    about: str = ""
    #: (who and where, what they said) of each review, and of the decision.
    reviews: tuple[tuple[str, str], ...] = ()


def told(attempts: Sequence[Attempt]) -> str:
    """Name the last attempts on the failure mode in a line or two each."""
    own = [(path, each) for path, each in _named(attempts) if not each.about]
    lines = [_line(path, each) for path, each in own[-MAX_TOLD:]]
    if own:
        lines.append("Read them before you draft: another layer or another mechanism is asked for, not the same edit.")
    if n_others := len(attempts) - len(own):
        lines.append(f"{n_others} attempts on other failure modes of this agent: @attempts/other/*")
    return "\n".join(lines)


def pages(attempts: Sequence[Attempt]) -> dict[str, str]:
    """Return one Markdown page for each attempt by its path."""
    return {path: _page(each) for path, each in _named(attempts)}


def _named(attempts: Sequence[Attempt]) -> list[tuple[str, Attempt]]:
    own = [each for each in attempts if not each.about]
    others = [each for each in attempts if each.about]
    return [(f"@attempts/{number}.md", each) for number, each in enumerate(own, start=1)] + [
        (f"@attempts/other/{number}.md", each) for number, each in enumerate(others, start=1)
    ]


def _line(path: str, attempt: Attempt) -> str:
    drafted = attempt.proposal
    what = f"“{one_line(drafted.title, 100)}” ({drafted.diagnosis.layer})" if drafted else "nothing was drafted"
    return f"{path}: {what}: {attempt.verdict}: {one_line(attempt.reason, 300)}"


def _page(attempt: Attempt) -> str:
    about = [f"On another failure mode: {one_line(attempt.about, 200)}"] if attempt.about else []
    parts = [f"# {attempt.verdict.capitalize()}", *about, fenced(attempt.reason, "the verdict's reason")]
    if attempt.proposal:
        parts += _drafted(attempt.proposal)
    if attempt.evidence:
        parts += ["## Scores", *_scores(attempt.evidence)]
    parts += [f"## Review\n\n{fenced(words, source)}" for source, words in attempt.reviews]
    return "\n\n".join(parts) + "\n"


def _drafted(proposal: Proposal) -> list[str]:
    found = proposal.diagnosis
    where = f"{found.location.path}:{found.location.line}" if found.location else "no line"
    said = (proposal.title, found.cause, proposal.rationale, proposal.risk)
    return [
        f"## Reasoning\n\nBy {proposal.author}; layer {found.layer}, at {where}; {proposal.tokens} tokens",
        fenced("\n\n".join(said), "its author"),
        "## Diff\n\n" + fenced("\n".join(map(diff, proposal.edits)), "the attempt"),
    ]


def diff(edit: Edit) -> str:
    """Return an edit as a unified diff."""
    before, after = (edit.before or "").splitlines(), (edit.after or "").splitlines()
    names = ("/dev/null" if edit.before is None else f"a/{edit.path}", f"b/{edit.path}")
    return "\n".join(unified_diff(before, after, *names, lineterm=""))


def _scores(evidence: Evidence) -> list[str]:
    cases = evidence.cases
    lines = [
        f"{role} runs: {_passed(cases, role, Arm.BEFORE)} before, {_passed(cases, role, Arm.AFTER)} after"
        for role in Role
    ]
    lines.append("no pair" if evidence.p_value is None else f"p = {evidence.p_value:.3g}")
    broken = [case for case in cases if (case.arm, case.result) == (Arm.AFTER, Result.FAILED)]
    lines += [f"{case.role} run {case.trace_id} fails after: {one_line(case.reason, 200)}" for case in broken]
    runs = [("new test", run) for run in evidence.regression] + [("suite", run) for run in evidence.suite]
    return ["\n".join(lines), *(_run(name, run) for name, run in runs)]


def _passed(cases: Sequence[CaseResult], role: Role, arm: Arm) -> str:
    tried = [case for case in cases if (case.role, case.arm) == (role, arm)]
    return f"{sum(case.result is Result.PASSED for case in tried)} of {len(tried)} pass"


def _run(name: str, run: TestRun) -> str:
    return f"{name}, {run.arm}: exit status {run.exit_status}\n\n" + fenced(run.output[-MAX_OUTPUT:], "the test run")
