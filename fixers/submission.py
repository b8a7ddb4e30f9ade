"""Submission: what the agent hands in, once it is found to be fit for a trial."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clustering.failure_mode import FailureMode
from fixers.diagnose import span_texts
from fixers.diagnosis import Diagnosis, Layer, Location, Quote
from fixers.lint import lint
from fixers.new_test import one_file, why_not_green, why_not_red
from fixers.proposal import Edit, Proposal
from fixers.sandbox import Completed
from fixers.siblings import siblings
from fixers.tools import SUBMIT, read_arguments, run_on_copy
from fixers.workspace import Refused, Workspace, syntax_problem
from webhooks.trace import Span, Trace

#: What `Proposal.author` says of these.
AUTHOR = "agent"
MAX_TITLE = 70
MAX_SENTENCES = 1_500  # characters of cause, rationale or risk
MAX_OUTPUT = 3_000  # characters of a test run
MIN_QUOTE, MAX_QUOTE, MAX_QUOTES = 8, 1_000, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What the model handed in, checked."""

    title: str
    cause: str
    layer: Layer
    rationale: str
    risk: str
    quotes: tuple[Quote, ...]
    regression_test: str
    edits: tuple[Edit, ...]

    @property
    def texts(self) -> dict[str, str]:
        """The words for people, by name."""
        return {"title": self.title, "cause": self.cause, "rationale": self.rationale, "risk": self.risk}

    def proposal(
        self,
        mode: FailureMode,
        base_sha: str,
        *,
        guess: Diagnosis | None,
        tokens: int,
        cost_usd: float,
    ) -> Proposal:
        """Return it as a proposal, with a diagnosis of its own."""
        diagnosis = Diagnosis(
            failure_mode_id=mode.id,
            cause=self.cause,
            layer=self.layer,
            location=_location(self.edits, self.regression_test, guess),
            quotes=self.quotes,
        )
        return Proposal(
            failure_mode_id=mode.id,
            base_sha=base_sha,
            diagnosis=diagnosis,
            author=AUTHOR,
            title=self.title,
            rationale=self.rationale,
            edits=self.edits,
            regression_test=self.regression_test,
            risk=self.risk,
            tokens=tokens,
            cost_usd=cost_usd,
        )


def check_submission(arguments: str, workspace: Workspace) -> tuple[list[str], Submission | None]:
    """Return what was submitted, or every reason why it cannot be tried."""
    try:
        values = read_arguments(SUBMIT, arguments)
    except Refused as refusal:
        return [str(refusal)], None
    edits = workspace.edits
    quotes = values["quotes"]
    reasons = [
        *_wrong_texts(values),
        *_wrong_quotes(quotes, workspace),
        *_wrong_edits(edits, values["regression_test"]),
        *_linted(edits, workspace),
    ]
    if reasons:
        return reasons, None
    texts = {key: values[key].strip() for key in ("title", "cause", "rationale", "risk")}
    layer = Layer(values["layer"])
    test = values["regression_test"]
    exact = tuple(_quote(quote, workspace.traces) for quote in quotes)
    return [], Submission(**texts, layer=layer, quotes=exact, regression_test=test, edits=edits)


def try_out(submission: Submission, workspace: Workspace, test: Sequence[str]) -> list[str]:
    """Return what speaks against a submission once its new test is run, without the other edits and with them.

    Where it cannot be run at all, nothing does: the trial of the proposal says so in its verdict.
    """
    command = one_file(test, submission.regression_test)
    only_test = [edit for edit in submission.edits if edit.path == submission.regression_test]
    try:
        without = run_on_copy(workspace, command, only_test)
        if problem := why_not_red(without.exit_status, without.stdout):
            return [f"{problem}; it ended so without your other edits:\n{_end(without)}"]
        with_edits = run_on_copy(workspace, command, submission.edits)
        if problem := why_not_green(with_edits.exit_status, with_edits.stdout):
            return [f"{problem}:\n{_end(with_edits)}"]
    except Refused:
        return []
    return []


def _end(completed: Completed) -> str:
    return f"{completed.stderr}{completed.stdout}".strip()[-MAX_OUTPUT:]


def told_siblings(submission: Submission, workspace: Workspace) -> str:
    """Return where what the edits mend stands once more, as a remark for the model; empty where it does not."""
    found = siblings(submission.edits, workspace.files, submission.regression_test)
    if not found:
        return ""
    places = ", ".join(f"{place.path}:{place.line}" for place in found)
    return (
        f"the code that you mend stands in much the same way at {places}. If the same flaw is there, mend it in this "
        "proposal too; if not, submit again as it is"
    )


def _wrong_texts(values: Mapping[str, Any]) -> list[str]:
    title = values["title"].strip()
    reasons = []
    if not title or len(title) > MAX_TITLE or not title.isprintable():
        reasons.append(f"the title is not one line of at most {MAX_TITLE} characters: it has {len(title)}")
    for key in ("cause", "rationale", "risk"):
        length = len(values[key].strip())
        if not 0 < length <= MAX_SENTENCES:
            reasons.append(f"{key} has {length} characters, not 1 to {MAX_SENTENCES}")
    return reasons


def _wrong_quotes(quotes: Sequence[Mapping[str, str]], workspace: Workspace) -> list[str]:
    failing = {failure.trace_id for failure in workspace.failures}
    reasons = [reason for quote in quotes[:MAX_QUOTES] if (reason := _wrong_quote(quote, workspace.traces))]
    if len(quotes) > MAX_QUOTES:
        reasons.append(f"{len(quotes)} quotes are more than {MAX_QUOTES}")
    if not any(quote["trace_id"] in failing for quote in quotes):
        reasons.append("no quote is from a failing run")
    return reasons


def _wrong_quote(quote: Mapping[str, str], traces: Mapping[str, Trace]) -> str | None:
    name = f"span {quote['span_id'][:80]!r} of trace {quote['trace_id'][:80]!r}"
    if _span(quote, traces) is None:
        return f"there is no {name}"
    length = len(quote["text"].strip())
    if not MIN_QUOTE <= length <= MAX_QUOTE:
        return f"a quote of {name} has {length} characters, not {MIN_QUOTE} to {MAX_QUOTE}"
    return None if _exact(quote, traces) else f"{name} does not say {quote['text'][:120]!r}"


def _exact(quote: Mapping[str, str], traces: Mapping[str, Trace]) -> str | None:
    """Return the quoted words as the span has them; the model's may differ in space, or in a layer of escapes."""
    span = _span(quote, traces)
    text = quote["text"].strip()
    forms = [text, json.dumps(text, ensure_ascii=False)[1:-1]]
    with suppress(ValueError):
        forms.insert(1, json.loads(f'"{text}"'))
    for said in span_texts(span) if span else ():
        for form in forms:
            if found := re.search(r"\s+".join(map(re.escape, form.split())), said):
                return found[0]
    return None


def _quote(quote: Mapping[str, str], traces: Mapping[str, Trace]) -> Quote:
    text = _exact(quote, traces) or quote["text"]
    return Quote(trace_id=quote["trace_id"], span_id=quote["span_id"], text=text)


def _span(quote: Mapping[str, str], traces: Mapping[str, Trace]) -> Span | None:
    trace = traces.get(quote["trace_id"])
    return trace.span(quote["span_id"]) if trace else None


def _wrong_edits(edits: Sequence[Edit], regression_test: str) -> list[str]:
    reasons = []
    test = next((edit for edit in edits if edit.path == regression_test), None)
    if test is None or test.before is not None:
        reasons.append(f"{regression_test[:200]!r} is not a new file among the edits")
    if not any(edit.path != regression_test for edit in edits):
        reasons.append("nothing but the regression test is edited")
    broken = ((edit.path, syntax_problem(edit.path, edit.after or "", before=edit.before)) for edit in edits)
    return reasons + [f"{path} is not valid Python: {problem}" for path, problem in broken if problem]


def _linted(edits: Sequence[Edit], workspace: Workspace) -> list[str]:
    failing = dict.fromkeys(failure.trace_id for failure in workspace.failures)
    runs = [workspace.traces[trace_id] for trace_id in failing if trace_id in workspace.traces]
    texts = ["\n".join(text for span in run.spans for text in span_texts(span)) for run in runs]
    found = lint(edits, files=workspace.original, failing=texts)
    return [f"{finding.path}: {finding.kind}: {finding.reason}" for finding in found]


def _location(edits: Sequence[Edit], regression_test: str, guess: Diagnosis | None) -> Location | None:
    """Return the first line that the edits change; the guess's where it lies in a file that they change."""
    changed = [edit for edit in edits if edit.path != regression_test and edit.before is not None]
    if guess and guess.location and any(edit.path == guess.location.path for edit in changed):
        return guess.location
    return Location(path=changed[0].path, line=_first_change(changed[0])) if changed else None


def _first_change(edit: Edit) -> int:
    before, after = (edit.before or "").split("\n"), (edit.after or "").split("\n")
    pairs = enumerate(zip(before, after, strict=False), start=1)
    return next((number for number, (old, new) in pairs if old != new), min(len(before), len(after)))
