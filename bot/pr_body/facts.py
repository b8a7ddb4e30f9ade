"""What a pull request says, as plain values and sentences: nothing here is escaped yet.

Each sentence is ours. Where it holds a stranger's text, the field's comment says so.
"""

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clustering.failure_mode import FailureMode
from clustering.score import Traffic
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun
from fixers.expected import Expected
from fixers.proposal import Edit, Proposal
from fixers.statistics import wilson_interval

BOT = (
    "A bot wrote this pull request. It changes the agent's harness only: no model's weights were trained or changed. "
    "Please review it as you would a stranger's."
)
NO_ISOLATION = (
    "The code ran WITHOUT ISOLATION: this machine has no sandbox, and the repository is Tracewright's own example. "
    "A test or a replay could have reached this machine's files and network."
)
CAME_BACK = "It had been fixed, and came back: the pull request of that fix says what is different."
UNDO = (
    "Before a merge: close the pull request and delete its branch. After a merge: revert the merge commit. "
    "Nothing but the files of this branch was changed."
)


LEFT_OUT = (
    "This repository is public, so what the recorded runs said is left out here. Its owners can change that: "
    "`pull_requests: {publish_runs: true}`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Where the answers to the replayed agent's calls came from."""

    n_recorded: int
    n_pooled: int
    n_live: int


class Place(NamedTuple):
    """Lines of a file as it was before the change; 1-based, both included."""

    path: str
    first: int
    last: int
    #: Whether the diagnosis blames the line; else it is where the change is made.
    is_blamed: bool

    @property
    def shown(self) -> str:
        """`path:line` or `path:first-last`."""
        return f"{self.path}:{self.first}" if self.first == self.last else f"{self.path}:{self.first}-{self.last}"


def place(proposal: Proposal) -> Place | None:
    """Return where the cause is, else the first lines that the fix changes; None when it only adds files."""
    location = proposal.diagnosis.location
    if location is not None:
        return Place(location.path, location.line, location.line, is_blamed=True)
    for edit in proposal.edits:
        if edit.path == proposal.regression_test or not edit.before or edit.after is None:
            continue
        old, new = edit.before.splitlines(), edit.after.splitlines()
        for kind, start, end, _, _ in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
            if kind != "equal" and old[start - 1 : end]:
                first = start + 1 if kind != "insert" else max(start, 1)
                return Place(edit.path, first, max(first, end), is_blamed=False)
    return None


def size(proposal: Proposal) -> str:
    """Say how much there is to read: the fix, and its test."""
    fix = [edit for edit in proposal.edits if edit.path != proposal.regression_test]
    test = [edit for edit in proposal.edits if edit.path == proposal.regression_test]
    counts = [_changed(edit) for edit in fix]
    added, removed = sum(each[0] for each in counts), sum(each[1] for each in counts)
    tested = f", and a test of {_count(sum(_changed(edit)[0] for edit in test), 'line')}" if test else ""
    return f"{_count(added, 'line')} added and {removed:,} removed in {_count(len(fix), 'file')}{tested}."


def _changed(edit: Edit) -> tuple[int, int]:
    diff = list(difflib.ndiff((edit.before or "").splitlines(), (edit.after or "").splitlines()))
    return sum(line.startswith("+ ") for line in diff), sum(line.startswith("- ") for line in diff)


def for_whom(mode: FailureMode, traffic: Traffic | None) -> str:
    """Say how many were hit, and which share of all that is."""
    parts = [
        _share(mode.n_traces, traffic.n_traces if traffic else 0, "trace"),
        _share(mode.n_sessions, traffic.n_sessions if traffic else 0, "session"),
    ]
    # Zero means that nobody said who the users were, not that there were none.
    parts += [_share(mode.n_users, traffic.n_users if traffic else 0, "user")] if mode.n_users else []
    return f"{', '.join(parts)}. First seen {mode.first_seen:%Y-%m-%d %H:%M}, last {mode.last_seen:%Y-%m-%d %H:%M} UTC."


def rows(evidence: Evidence) -> list[Row]:
    """Return the table of before and after, the most telling line first."""
    failing = [case for case in evidence.cases if case.role is Role.FAILING]
    unread = [case for case in failing if case.held_out]
    apart = [_case_row("Those of them that the drafter never saw: pass", Role.FAILING, unread)] if unread else []
    return [
        _case_row("Failing runs, replayed: pass", Role.FAILING, failing),
        *apart,
        _case_row("Healthy runs, replayed: still pass", Role.GUARD, evidence.cases),
        _test_row("New regression test", evidence.regression),
        _test_row("The repository's own tests", evidence.suite),
    ]


def why(evidence: Evidence) -> str:
    """Return the verdict's reason as a whole sentence."""
    return evidence.reason if evidence.reason.endswith((".", "!", "?")) else f"{evidence.reason}."


def significance(evidence: Evidence) -> str:
    """Say how likely such a difference is by chance, and which cases were left out."""
    told = "no case could be paired" if evidence.p_value is None else f"exact one-sided p = {evidence.p_value:.3g}"
    if evidence.p_value is not None and f"p = {evidence.p_value:.3g})" in evidence.reason:
        told = "p is exact and one-sided"  # the reason has the number
    n_unclear = len({case.trace_id for case in evidence.cases if case.result is Result.INCONCLUSIVE})
    counted = f"{_count(n_unclear, 'case')} could not be judged and {'is' if n_unclear == 1 else 'are'} not counted."
    judged = counted if n_unclear else "Every case could be judged."
    return f"95 % intervals; {told}. {judged}{_trials_spent(evidence.cases)}"


def _trials_spent(cases: Sequence[CaseResult]) -> str:
    """Say how often the cases were tried; nothing when it was once each."""
    n_cases = len({(case.trace_id, case.role) for case in cases})
    n_trials = sum(case.arm is Arm.AFTER for case in cases)
    if n_trials == n_cases:
        return ""
    return f" {_count(n_trials, 'trial')} of {_count(n_cases, 'case')} on either arm: random runs were repeated."


def answers(cases: Iterable[CaseResult]) -> Answers:
    """Add up where the answers came from."""
    listed = list(cases)
    return Answers(
        n_recorded=sum(case.n_recorded for case in listed),
        n_pooled=sum(case.n_pooled for case in listed),
        n_live=sum(case.n_live for case in listed),
    )


def answered_by(evidence: Evidence) -> str:
    """Say where the replayed calls got their answers; the live model's name is the operator's text."""
    given = answers(evidence.cases)
    live = f"{given.n_live} from the live model {evidence.live_model}" if evidence.live_model else "no live model"
    recorded = f"{_count(given.n_recorded, 'answer')} recorded in the same run"
    return f"{recorded}, {given.n_pooled:,} in other recorded runs, {live}."


def cost(proposal: Proposal, evidence: Evidence) -> str:
    """Say what drafting and trying cost; the author is our own name of a recipe or the agent."""
    model = f"{proposal.tokens:,} tokens, {proposal.cost_usd:.2f} USD" if proposal.tokens else "no model, no tokens"
    return f"Drafted by {proposal.author}: {model}. Tried in {evidence.duration_s:.0f} s."


def isolated(evidence: Evidence) -> bool:
    """Whether the code ran in a sandbox."""
    return evidence.isolation != "none"


def reproduce(
    proposal: Proposal, evidence: Evidence, *, patch: str | None = None, branch: str | None = None
) -> list[str]:
    """Return the shell lines that show the regression test red without the change and green with it.

    Paths and commands are a stranger's text, quoted for the shell.

    Parameters
    ----------
    patch
        Where the diff lies, for a checkout that has no branch of ours and perhaps no git; the lines start in it.

    """
    command = shlex.join(evidence.regression[-1].command) if evidence.regression else "python -m pytest -q"
    if patch is not None:
        all_but_the_test = f"--exclude={shlex.quote(proposal.regression_test)} {shlex.quote(patch)}"
        return [
            f"git apply {shlex.quote(patch)}",
            f"{command}  # passes",
            f"git apply -R {all_but_the_test}",
            f"{command}  # fails: this is what users met",
            f"git apply {all_but_the_test}",
        ]
    changed = [edit for edit in proposal.edits if edit.path != proposal.regression_test]
    old = shlex.join(edit.path for edit in changed if edit.before is not None)
    new = shlex.join(edit.path for edit in changed if edit.before is None)
    return [
        f"git fetch --all && git checkout {branch or f'tracewright/{proposal.id}'}",
        f"{command}  # passes",
        *([f"git checkout {proposal.base_sha} -- {old}"] if old else []),
        *([f"git rm -q -- {new}"] if new else []),
        f"{command}  # fails: this is what users met",
        f"git restore --source=HEAD --staged --worktree -- {shlex.join(edit.path for edit in changed)}",
    ]


def manifest(proposal: Proposal, evidence: Evidence) -> list[str]:
    """Return what the proposal foretells, to be held against what happens after a merge."""
    rate = [expected(evidence.expected)] if evidence.expected else []
    evals = [f"Eval set: {proposal.eval_note}"] if proposal.eval_note else []
    return [
        f"Layer: {proposal.diagnosis.layer}. One mechanism, {_count(len(proposal.edits), 'file')}.",
        f"Predicted to be fixed: {_count(len(proposal.predicted_fixes), 'trace')}.",
        f"At risk: {_count(len(proposal.at_risk), 'healthy trace')} might behave differently.",
        *rate,
        *evals,
    ]


def expected(foretold: Expected) -> str:
    """Say how often the failure should still show after a merge, and what that is derived from."""
    before = foretold.before
    return (
        f"Expected after a merge: {foretold.rate:.1%} of such runs show this failure ({foretold.low:.1%} to "
        f"{foretold.high:.1%}, exact interval of at least 95 %). It showed in {before.n_of_mode:,} of "
        f"{_count(before.n_runs, 'run')}, and {foretold.n_unmended:,} of {foretold.n_replayed:,} that were replayed "
        "still fail."
    )


def _share(n: int, total: int, noun: str) -> str:
    return f"{_count(n, noun)} of {total:,} ({n / total:.1%})" if total else _count(n, noun)


def _case_row(label: str, role: Role, cases: Iterable[CaseResult]) -> Row:
    of_role = [case for case in cases if case.role is role]
    before, after = (_passes([case for case in of_role if case.arm is arm]) for arm in (Arm.BEFORE, Arm.AFTER))
    return Row(label=label, before=before, after=after)


def _passes(cases: Sequence[CaseResult]) -> str:
    judged = [case for case in cases if case.result is not Result.INCONCLUSIVE]
    if not judged:
        return "not judged" if cases else "none"
    n_passed = sum(case.result is Result.PASSED for case in judged)
    # Trials of one run are no further runs: the interval is that of as many runs as there are.
    n_runs = len({case.trace_id for case in judged})
    low, high = wilson_interval(n_passed / len(judged) * n_runs, n_runs)
    of = f"{len(judged)}" if n_runs == len(judged) else f"{len(judged)} trials of {n_runs} runs"
    return f"{n_passed} of {of} ({low:.0%} to {high:.0%})"


def _test_row(label: str, runs: Sequence[TestRun]) -> Row:
    by_arm = {run.arm: run for run in runs}
    return Row(label=label, before=_colour(by_arm.get(Arm.BEFORE)), after=_colour(by_arm.get(Arm.AFTER)))


def _colour(run: TestRun | None) -> str:
    if run is None:
        return "not run"
    if run.n_passed is not None:
        return f"{run.n_passed:,} pass, {run.n_not_passed:,} do not"
    return "green" if run.exit_status == 0 else f"red (exit status {run.exit_status})"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
