"""Make a case for the repository's own eval set of a failing run: what was asked, and what healthy runs answered to it.

Nothing is guessed. Where the cases have a field whose meaning is not plain, where nobody knows the right answer, or
where the run is more than one question, there is no case, and the reason is told.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fixers.assignment import Assignment
from fixers.eval_set import Case, NotCases, read_cases, write_case
from fixers.proposal import Edit, Proposal
from fixers.scope import violations
from webhooks import semconv
from webhooks.trace import Trace

_ASKED = frozenset({"input", "question", "prompt", "query", "user", "message", "user_message", "user_input", "request"})
_EXPECTED = frozenset(
    {"expected", "expected_output", "expected_answer", "answer", "output", "ideal", "reference", "target", "label"}
)
_IDS = frozenset({"id", "case", "case_id", "test_id", "name", "key"})

ADDED = "one case was added at its end, made of a run that failed."


class NoCase(ValueError):
    """There is no honest case; the message says why."""


def with_eval_case(proposal: Proposal, assignment: Assignment, *, may_be_shown: Callable[[str], bool]) -> Proposal:
    """Return the proposal with one more case in the eval set that the operator named, or with why there is none.

    Parameters
    ----------
    proposal, assignment
        The fix, and what it is for.
    may_be_shown
        Tells whether words of a run may stand in the repository: others read it.

    """
    path = assignment.harness.evals
    if path is None:
        return proposal
    if any(edit.path == path for edit in proposal.edits):  # of the fix that this one revises
        return replace(proposal, eval_set=path, eval_note=ADDED)
    try:
        edit = _edit(path, assignment, may_be_shown)
    except (NoCase, NotCases) as reason:
        return replace(proposal, eval_note=f"no case was added, because {reason}.")
    if violations([edit], assignment.harness):  # whose words quote the run
        return replace(proposal, eval_note="no case was added, because what the run says is refused by the scope.")
    return replace(proposal, edits=(*proposal.edits, edit), eval_set=path, eval_note=ADDED)


def _edit(path: str, assignment: Assignment, may_be_shown: Callable[[str], bool]) -> Edit:
    try:
        text = assignment.index.files[path].decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise NoCase("the file is not there, or is not text") from error
    cases = read_cases(path, text)
    asked, trace_id = _question(assignment)
    answered = _answer(asked, assignment.healthy)
    case = _case(cases, asked=asked, answered=answered, trace_id=trace_id)
    if not all(may_be_shown(str(value)) for value in case.values()):
        raise NoCase("words of recorded runs may not stand in this repository, or hold personal data")
    return Edit(path=path, before=text, after=write_case(path, text, case))


def _case(cases: Sequence[Case], *, asked: str, answered: str | None, trace_id: str) -> Case:
    """Return a case with the fields that all cases have, in their order."""
    if not cases:
        raise NoCase("it has no case whose fields could be followed")
    fields = [name for name in cases[0] if all(name in case for case in cases)]
    questions = [name for name in fields if name in _ASKED and all(isinstance(case[name], str) for case in cases)]
    if len(questions) != 1:
        raise NoCase("which field holds the question is not plain")
    if any(_same(str(case[questions[0]])) == _same(asked) for case in cases):
        raise NoCase("it asks the same already")
    return {name: asked if name == questions[0] else _value(name, cases, answered, trace_id) for name in fields}


def _value(name: str, cases: Sequence[Case], answered: str | None, trace_id: str) -> Any:  # noqa: ANN401 - JSON
    values = [case[name] for case in cases]
    if name in _EXPECTED:
        if answered is None:
            raise NoCase("what is expected is not known: no healthy runs agree on an answer to the same question")
        if not all(isinstance(value, str) for value in values):
            raise NoCase("what is expected is not given as text")
        return answered
    if name in _IDS:
        return _new_id(values, trace_id)
    if len(values) > 1 and len({json.dumps(value, sort_keys=True, default=str) for value in values}) == 1:
        return values[0]
    raise NoCase("its cases have a field whose meaning is not plain")


def _new_id(known: Sequence[object], trace_id: str) -> int | str:
    numbers = [value for value in known if isinstance(value, int) and not isinstance(value, bool)]
    if len(numbers) == len(known):
        return max(numbers) + 1
    written = [value for value in known if isinstance(value, str)]
    if len(written) != len(known):
        raise NoCase("its cases are named in a way that is not plain")
    if all(value.isdigit() for value in written):
        return str(max(map(int, written)) + 1)
    return f"trace-{trace_id[:12]}"


def _question(assignment: Assignment) -> tuple[str, str]:
    """Return what the first failing run was asked, and its trace_id, where it was asked one thing."""
    for trace_id in dict.fromkeys(failure.trace_id for failure in assignment.failures):
        if trace_id in assignment.traces and (asked := asked_of(assignment.traces[trace_id])):
            return asked, trace_id
    raise NoCase("none of the failing runs is a single question")


def asked_of(trace: Trace) -> str | None:
    """Return the only thing that a person said in a run; None when there are several, or none is recorded."""
    messages = (message for span in trace.spans for message in semconv.input_messages(span))
    said = {message.content.strip() for message in messages if message.role == "user" and message.content.strip()}
    return said.pop() if len(said) == 1 else None


def _answer(asked: str, healthy: Sequence[Trace]) -> str | None:
    """Return what all healthy runs that were asked the same have answered."""
    given = Counter(
        answer
        for trace in healthy
        if (question := asked_of(trace)) and _same(question) == _same(asked) and (answer := _last_words(trace))
    )
    return next(iter(given)) if len(given) == 1 else None


def _last_words(trace: Trace) -> str:
    """Return the model's last message, when it calls no tool."""
    said = [message for span in trace.spans for message in semconv.output_messages(span)]
    return said[-1].content.strip() if said and not said[-1].tool_calls else ""


def _same(text: str) -> str:
    return " ".join(text.split()).casefold()
