"""What the check run "Tracewright evidence" shows: remarks at the changed lines, a conclusion, and three buttons."""

import difflib
from collections.abc import Iterator

from bot.forge.forge import Action, Annotation, Conclusion
from bot.pr_body.escape import one_line
from fixers.evidence import Evidence, Verdict
from fixers.manners import Manners
from fixers.proposal import Edit, Proposal

NAME = "Tracewright evidence"
RERUN, EXPLAIN, IGNORE = "tracewright-rerun", "tracewright-explain", "tracewright-ignore"
ACTIONS = (
    Action(identifier=RERUN, label="Re-run", description="Try the fix again, on today's head"),
    Action(identifier=EXPLAIN, label="Explain", description="Comment with the diagnosis"),
    Action(identifier=IGNORE, label="Ignore", description="Close, and leave this failure alone"),
)
# GitHub takes 50 in a request; whoever changes more places shows nobody anything by remarks.
MAX_ANNOTATIONS = 50
MAX_MESSAGE = 300


def annotations(proposal: Proposal) -> list[Annotation]:
    """Return a remark on each place that the edits change."""
    found = [annotation for edit in proposal.edits for annotation in _of_edit(edit, proposal)]
    return found[:MAX_ANNOTATIONS]


def conclusion(evidence: Evidence, manners: Manners) -> Conclusion:
    """Return what the check concludes: neutral, which never blocks a merge, unless the owners ask for more."""
    if not manners.block_merge:
        return Conclusion.NEUTRAL
    return Conclusion.SUCCESS if evidence.verdict is Verdict.VERIFIED else Conclusion.FAILURE


def _of_edit(edit: Edit, proposal: Proposal) -> Iterator[Annotation]:
    if edit.after is None:
        return  # the file is gone: there is no line to point at
    told = "Red before the change, green after it." if edit.path == proposal.regression_test else proposal.rationale
    for start, end in _changed_lines(edit.before or "", edit.after):
        message = one_line(told, limit=MAX_MESSAGE)
        yield Annotation(path=edit.path, start_line=start, end_line=end, message=message)


def _changed_lines(before: str, after: str) -> Iterator[tuple[int, int]]:
    """Yield first and last line, from 1, of each place of `after` that differs; lines that went count as the next."""
    old, new = before.splitlines(), after.splitlines()
    for kind, _, _, start, end in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind != "equal" and new:
            first = min(start + 1, len(new))
            yield first, max(first, end)
