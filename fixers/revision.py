"""Revision: a proposal that reviewers looked at, and what they said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from fixers.proposal import Edit, Proposal
from fixers.quoting import fenced


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a model is given to draft a proposal anew."""

    proposal: Proposal
    #: (who and where, what they say): data, never instructions.
    remarks: tuple[tuple[str, str], ...]

    def ask(self) -> str:
        """Return the part of the task that is about the review."""
        return Template((files("fixers") / "prompts" / "review.md").read_text()).substitute(
            paths=", ".join(edit.path for edit in self.proposal.edits),
            test=self.proposal.regression_test,
            remarks="\n\n".join(fenced(words, source) for source, words in self.remarks),
        )


def apply_to(files_by_path: dict[str, bytes], edits: Sequence[Edit]) -> None:
    """Put edits into a working copy that is held in memory."""
    for edit in edits:
        if edit.after is None:
            files_by_path.pop(edit.path, None)
        else:
            files_by_path[edit.path] = edit.after.encode()


def step(before: Proposal, after: Proposal) -> tuple[Edit, ...]:
    """Return the edits that lead from one proposal to another on the same commit."""
    was, will = ({edit.path: edit for edit in each.edits} for each in (before, after))
    steps = []
    for path in sorted(was.keys() | will.keys()):
        start = was[path].after if path in was else will[path].before
        end = will[path].after if path in will else was[path].before
        if start != end:
            steps.append(Edit(path=path, before=start, after=end))
    return tuple(steps)
