"""Assignment: one failure mode to mend, what its runs show, and the checkout to mend it in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.code_index import CodeIndex
from fixers.diagnosis import Diagnosis
from fixers.harness import Harness
from fixers.proposal import Edit
from fixers.quoted_runs import quotes_of
from webhooks.trace import Trace


class Refused(NamedTuple):
    """A fix that people took for a wrong one."""

    #: Who drafted it; see `fixers.proposal.Proposal.author`.
    author: str
    #: What it changed, without its test.
    paths: frozenset[str]
    #: Who said what of it, for the record.
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What recipes and the agent are given."""

    mode: FailureMode
    failures: Sequence[Failure]
    #: The failing runs by trace_id.
    traces: Mapping[str, Trace]
    #: Runs that do not fail, which an edit might change.
    healthy: Sequence[Trace]
    diagnosis: Diagnosis
    #: The repository's files at `base_sha`, without `.git`; read, never written.
    checkout: Path
    #: What was looked up in them.
    index: CodeIndex
    #: What may be edited, how it is tested and replayed, and the budget.
    harness: Harness
    #: The commit that the edits will apply to.
    base_sha: str
    #: Whether strangers will read what is proposed: then no edit may quote a recorded run.
    in_public: bool = False
    #: Fixes of other failure modes: the same recipe does not do the same to the same files again.
    refused: Sequence[Refused] = ()

    def quotes(self, edits: Sequence[Edit], texts: Mapping[str, str]) -> dict[str, str]:
        """Return the words of recorded runs in what would be proposed, by the name of a text or the path of an edit."""
        return quotes_of(edits, texts, self.runs.values(), failures=self.failures, files=self.index.files)

    @property
    def runs(self) -> dict[str, Trace]:
        """Failing and healthy runs by trace_id."""
        return {**self.traces, **{trace.trace_id: trace for trace in self.healthy}}
