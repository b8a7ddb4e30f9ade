"""Proposal: the edits that would mend a failure mode, before anybody has tried them."""

import hashlib
import json
from dataclasses import dataclass

from fixers.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One file before and after. Text files only, UTF-8; a mode never changes."""

    #: Relative to the repository's root, with forward slashes.
    path: str
    #: None when the file is new.
    before: str | None
    #: None when the file is deleted.
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One mechanism that would mend one failure mode."""

    failure_mode_id: str
    #: 40 hex digits: the commit that the edits apply to.
    base_sha: str
    diagnosis: Diagnosis
    #: Who drafted it: "recipe:<name>" or "agent".
    author: str
    #: An imperative sentence, at most 70 characters: the pull request's title.
    title: str
    #: Why these edits remove the cause; two to five sentences.
    rationale: str
    edits: tuple[Edit, ...]
    #: Path of the new regression test among `edits`.
    regression_test: str
    #: What could go wrong when it is merged, in a sentence.
    risk: str
    #: trace_ids that would no longer fail.
    predicted_fixes: tuple[str, ...] = ()
    #: trace_ids of healthy runs that the edits might change.
    at_risk: tuple[str, ...] = ()
    #: trace_ids of failing runs that the drafter could read.
    seen: tuple[str, ...] = ()
    #: Texts, by name, and edits, by path, that have words of recorded runs which the repository has not; see
    #: `fixers.quoted_runs`. None when nobody has looked.
    quotes_runs: tuple[str, ...] | None = None
    #: The repository's eval set among `edits`, which gains one case; empty when it is left alone.
    eval_set: str = ""
    #: What became of the eval set, in our own words; empty when the operator names none.
    eval_note: str = ""
    tokens: int = 0
    cost_usd: float = 0.0

    @property
    def texts(self) -> dict[str, str]:
        """The words for people, by the name that `quotes_runs` has for them."""
        return {
            "title": self.title,
            "cause": self.diagnosis.cause,
            "rationale": self.rationale,
            "risk": self.risk,
        }

    @property
    def id(self) -> str:
        """16 hex digits: hash of failure mode, base and edits, so that the same fix is the same proposal."""
        edits = [[edit.path, edit.before, edit.after] for edit in self.edits]
        text = json.dumps([self.failure_mode_id, self.base_sha, edits], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
