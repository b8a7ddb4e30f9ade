"""The rest of a pull request, folded: quoted spans, every case, the manifest, test output. Cut first when too long."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.pr_body import facts
from bot.pr_body.escape import block, identifier, prose
from fixers.evidence import CaseResult, Evidence, TestRun
from fixers.proposal import Proposal

QUOTE = 2_000
OUTPUT = 4_000
CASE_HEADER = "| Trace | Role | Arm | Result | Recorded / pooled / live | Why |\n|---|---|---|---|---|---|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collapsed:
    """One folded section, made of items of which the last may be left out."""

    #: What the reader clicks on; our own words.
    summary: str
    #: What stands before the items, such as a table's header.
    header: str
    items: tuple[str, ...]
    #: What stands between two items.
    separator: str = "\n\n"

    def render(self, n_items: int) -> str:
        """Return the section with its first `n_items` items."""
        shown = self.separator.join(self.items[:n_items])
        body = f"{self.header}\n{shown}" if self.header else shown
        kept = "" if n_items == len(self.items) else f", the first {n_items} of {len(self.items)}"
        return f"<details>\n<summary>{self.summary}{kept}</summary>\n\n{body}\n\n</details>"


def collapsed_sections(
    proposal: Proposal, evidence: Evidence, *, patch: str | None = None, branch: str | None = None
) -> list[Collapsed]:
    """Return the folded sections, the first to be cut last; without those that would be empty."""
    commands = reproduce(proposal, evidence, patch=patch, branch=branch)
    sections = [commands, manifest(proposal, evidence), quotes(proposal), cases(evidence.cases), test_output(evidence)]
    return [section for section in sections if section.items]


def public_sections(
    proposal: Proposal, evidence: Evidence, *, patch: str | None = None, branch: str | None = None
) -> list[Collapsed]:
    """Return the folded sections for a repository that everybody reads: no words, output or ids of recorded runs."""
    lines = tuple(f"- {line}" for line in (*facts.manifest(proposal, evidence), facts.LEFT_OUT))
    told = Collapsed(summary="What this change should do", header="", items=lines, separator="\n")
    return [reproduce(proposal, evidence, patch=patch, branch=branch), told]


def reproduce(
    proposal: Proposal, evidence: Evidence, *, patch: str | None = None, branch: str | None = None
) -> Collapsed:
    """Show the commands that run the regression test red and green; `patch` where there is no branch to fetch."""
    commands = "\n".join(facts.reproduce(proposal, evidence, patch=patch, branch=branch))
    return Collapsed(summary="Reproduce", header="", items=(block(commands, limit=4_000, language="sh"),))


def manifest(proposal: Proposal, evidence: Evidence) -> Collapsed:
    """Show what the proposal foretells."""
    ids = [identifier(text) for text in (proposal.id, proposal.failure_mode_id, proposal.base_sha)]
    about = "- Proposal {}, failure mode {}, on commit {}.".format(*ids)
    lines = [about, *(f"- {line}" for line in facts.manifest(proposal, evidence))]
    fixes = [f"- To be fixed: {identifier(trace_id)}" for trace_id in proposal.predicted_fixes]
    risks = [f"- At risk: {identifier(trace_id)}" for trace_id in proposal.at_risk]
    return Collapsed(summary="What this change should do", header="", items=(*lines, *fixes, *risks), separator="\n")


def quotes(proposal: Proposal) -> Collapsed:
    """Show the words of the traces that support the diagnosis."""
    items = [
        f"Trace {identifier(quote.trace_id)}, span {identifier(quote.span_id)}:\n\n{block(quote.text, limit=QUOTE)}"
        for quote in proposal.diagnosis.quotes
    ]
    return Collapsed(summary="What the traces say", header="", items=tuple(items))


def cases(results: Iterable[CaseResult]) -> Collapsed:
    """Show every replayed case on both arms."""
    lines = [
        f"| {identifier(case.trace_id)} | {case.role.value} | {case.arm.value} | {case.result.value} "
        f"| {case.n_recorded} / {case.n_pooled} / {case.n_live} | {prose(case.reason)} |"
        for case in results
    ]
    return Collapsed(summary="Every replayed case", header=CASE_HEADER, items=tuple(lines), separator="\n")


def test_output(evidence: Evidence) -> Collapsed:
    """Show what the test commands printed, the regression test first."""
    named = [("Regression test", run) for run in evidence.regression] + [("Own tests", run) for run in evidence.suite]
    return Collapsed(summary="Test output", header="", items=tuple(_output(name, run) for name, run in named))


def _output(name: str, run: TestRun) -> str:
    printed = block(run.output, limit=OUTPUT) if run.output.strip() else "It printed nothing."
    return f"{name}, {run.arm.value}, exit status {run.exit_status}, {run.duration_s:.1f} s:\n\n{printed}"
