"""Discretion: what people are shown of runs and proposals, without the personal data in it.

Where strangers read, words of runs are left out altogether: a text that has some is replaced by a sentence of ours.

The values are rewritten before anything is rendered: in a finished page ids and hashes would be taken for numbers of
cards. Code is left alone: paths, commands, and the edits, regression test included.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis
from fixers.evidence import Evidence, TestRun
from fixers.proposal import Proposal
from webhooks.redaction.personal import PERSONAL
from webhooks.redaction.placeholder import tenant_key
from webhooks.redaction.redactor import Redactor

LEFT_OUT = (
    "The drafter's words are left out here: they have words of recorded runs, or might have, and everybody can read "
    "this repository. The operator's own pages show them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretion:
    """Takes e-mail addresses, phone, card and account numbers out of what one tenant's people are shown."""

    #: Whether anything is hidden.
    on: bool
    #: The tenant's: equal values get equal placeholders under it, and nobody can guess the value from one.
    key: bytes
    #: What a failure mode is called where strangers read; None where only its owners' people do. See `bot.in_public`.
    titled: Callable[[FailureMode], str] | None = None

    @property
    def is_public(self) -> bool:
        """Whether strangers read."""
        return self.titled is not None

    def unless_public(self, text: str, instead: str) -> str:
        """Return a text that may have words of runs as it may be shown; where strangers read, the other one."""
        return instead if self.is_public else self.text(text)

    def text(self, text: str) -> str:
        """Return a text with a placeholder for each value."""
        return _personal().redact_text(text, key=self.key, counts=Counter()) if self.on else text

    def is_plain(self, text: str) -> bool:
        """Tell whether a text may be shown as it is."""
        return self.text(text) == text

    def mode(self, mode: FailureMode) -> FailureMode:
        """Return a failure mode that may be shown."""
        return replace(mode, title=self.text(self.titled(mode) if self.titled else mode.title))

    def proposal(self, proposal: Proposal) -> Proposal:
        """Return a proposal that may be shown; its id and its edits stay."""
        proposal = _without_quotes(proposal) if self.is_public else proposal
        return replace(
            proposal,
            diagnosis=self._diagnosis(proposal.diagnosis),
            title=self.text(proposal.title),
            rationale=self.text(proposal.rationale),
            risk=self.text(proposal.risk),
        )

    def evidence(self, evidence: Evidence) -> Evidence:
        """Return evidence that may be shown."""
        evidence = _without_output(evidence) if self.is_public else evidence
        return replace(
            evidence,
            reason=self.text(evidence.reason),
            suite=tuple(map(self._run, evidence.suite)),
            regression=tuple(map(self._run, evidence.regression)),
            cases=tuple(replace(case, reason=self.text(case.reason)) for case in evidence.cases),
        )

    def _diagnosis(self, diagnosis: Diagnosis) -> Diagnosis:
        quotes = tuple(replace(quote, text=self.text(quote.text)) for quote in diagnosis.quotes)
        return replace(diagnosis, cause=self.text(diagnosis.cause), quotes=quotes)

    def _run(self, run: TestRun) -> TestRun:
        return replace(run, output=self.text(run.output))


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretions:
    """What an operator has decided, for every tenant."""

    on: bool
    #: Of the installation; see `bot.redaction`.
    master_key: bytes

    def of(self, tenant: str) -> Discretion:
        """Return the discretion of one tenant, so that no placeholder links two."""
        return Discretion(on=self.on, key=tenant_key(self.master_key, tenant))


def _without_quotes(proposal: Proposal) -> Proposal:
    """Return the proposal without the texts that have words of runs; all of them where nobody has looked."""
    quoting = proposal.texts.keys() if proposal.quotes_runs is None else proposal.quotes_runs
    diagnosis = proposal.diagnosis
    place = f" in {diagnosis.location.path}" if diagnosis.location else ""
    told = {name: LEFT_OUT if name in quoting else text for name, text in proposal.texts.items()}
    return replace(
        proposal,
        diagnosis=replace(diagnosis, cause=told["cause"], quotes=()),
        title=f"Mend the {diagnosis.layer.value}{place}" if "title" in quoting else proposal.title,
        rationale=told["rationale"],
        risk=told["risk"],
    )


def _without_output(evidence: Evidence) -> Evidence:
    """Return the evidence without what tests printed and what was said of single runs."""
    return replace(
        evidence,
        suite=tuple(replace(run, output="") for run in evidence.suite),
        regression=tuple(replace(run, output="") for run in evidence.regression),
        cases=tuple(replace(case, reason="") for case in evidence.cases),
    )


@cache
def _personal() -> Redactor:
    """Return the rules, compiled when they are first needed: most commands show nobody anything."""
    return Redactor(PERSONAL)
