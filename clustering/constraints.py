"""Constraints: what a run had to keep to, checked step by step, as a log for a person. No I/O, no model.

They come from the schemas of the tools that a request declared, and from the user's own rules. A step that no
constraint is about is not in the log.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clustering.conversation import tool_calls
from clustering.dialogue import PEOPLE, Turn, dialogue
from clustering.facts import MAX_JSON
from clustering.failure_at import one_line
from clustering.people import agrees
from clustering.rule import Rule, Unless
from clustering.span_outcome import tool_error
from clustering.tool_schema import arguments_violation, declared_calls
from webhooks import semconv
from webhooks.trace import Span, Trace

MAX_CHECKS = 200  # in the log of one run: the first, and all that were broken among the rest
MAX_DEPTH = 12
MIN_SUBJECT, MAX_SUBJECT = 3, 64  # characters of what a call is about: shorter is an amount, longer a text
SCHEMA = "schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One constraint at one step."""

    span_id: str
    #: The rule's name; "schema of <tool>" for a tool's own schema.
    constraint: str
    held: bool
    #: One plain sentence.
    why: str


def constraint_log(trace: Trace, rules: Sequence[Rule] = ()) -> list[Check]:
    """Return every constraint that a step of the run had to keep to and whether it did, in the order of the steps."""
    order = {span.span_id: at for at, span in enumerate(trace.spans)}
    checks = [*schema_checks(trace), *(check for rule in rules for check in rule_checks(trace, rule))]
    checks.sort(key=lambda check: order[check.span_id])
    return [check for at, check in enumerate(checks) if at < MAX_CHECKS or not check.held][: 2 * MAX_CHECKS]


def schema_checks(trace: Trace) -> Iterator[Check]:
    """Yield one check for each tool call of a model whose request declared its tools."""
    for declared in declared_calls(trace):
        tool = one_line(declared.call.name)
        if declared.parameters is None:
            broken: str | None = "the request declared no such tool"
        else:
            broken = arguments_violation(declared)
        yield Check(
            span_id=declared.span.span_id,
            constraint=f"{SCHEMA} of {tool}",
            held=broken is None,
            why=f"{tool}: {one_line(broken)}." if broken else f"The arguments of {tool} fit its schema.",
        )


def rule_checks(trace: Trace, rule: Rule) -> Iterator[Check]:
    """Yield one check for each time that the guarded tool did its work; one that refused did no harm."""
    calls = [span for span in tool_calls(trace) if tool_error(span) is None]
    if not any(rule.guards(semconv.tool_name(span)) for span in calls):
        return
    run = _Run(said=[turn for turn in dialogue(trace) if turn.role == PEOPLE] if rule.confirmed else [])
    for span in calls:
        if rule.guards(semconv.tool_name(span)):
            tool = one_line(semconv.tool_name(span) or "")
            broken = "; ".join(run.broken(rule, span))
            why = f"{tool} runs {broken}." if broken else f"{tool} keeps to it."
            yield Check(span_id=span.span_id, constraint=rule.name, held=not broken, why=why)
        run.did(rule, span)


class _Run:
    """What one run has done so far, as far as a rule asks."""

    def __init__(self, *, said: Sequence[Turn]) -> None:
        self._said = said
        self._n_said = 0
        self._succeeded: set[str] = set()
        self._n_guarded = 0
        self._told: dict[str, bool] = {}

    def did(self, rule: Rule, span: Span) -> None:
        name = semconv.tool_name(span) or ""
        self._succeeded.add(name)
        self._n_guarded += rule.guards(name)
        if rule.unless is not None and name == rule.unless.tool:
            result = semconv.tool_result(span) or ""
            forbidden = _says(result, rule.unless)
            self._told |= dict.fromkeys(_subjects(span), forbidden)

    def broken(self, rule: Rule, span: Span) -> Iterable[str]:
        if rule.requires and rule.requires not in self._succeeded:
            yield f"although {one_line(rule.requires)} has not succeeded before"
        if rule.confirmed and not self._agreed(span):
            yield "although the user's last words do not agree to it"
        if rule.at_most and self._n_guarded >= rule.at_most:
            yield f"more often than {rule.at_most} times"
        if rule.unless is not None and any(self._told.get(subject) for subject in _subjects(span)):
            told = rule.unless
            yield f"although {one_line(told.tool)} says that {one_line(told.field)} is {one_line(told.value)}"

    def _agreed(self, span: Span) -> bool:
        while self._n_said < len(self._said) and self._said[self._n_said].span.start <= span.start:
            self._n_said += 1
        return bool(self._n_said) and agrees(self._said[self._n_said - 1].text)


def _subjects(span: Span) -> set[str]:
    """Return what a call is about: the texts and numbers among its arguments."""
    told = semconv.tool_arguments(span) or ""
    try:
        found = json.loads(told) if len(told) <= MAX_JSON else None
    except (ValueError, RecursionError):
        found = None
    values = found.values() if isinstance(found, dict) else ()
    texts = (str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool))
    return {text for text in texts if MIN_SUBJECT <= len(text) <= MAX_SUBJECT}


def _says(result: str, unless: Unless) -> bool:
    if len(result) > MAX_JSON:
        return False
    try:
        return unless.value.casefold() in _values(json.loads(result), unless.field, 0)
    except (ValueError, RecursionError):
        return False


def _values(found: Any, field: str, depth: int) -> set[str]:  # noqa: ANN401 - whatever JSON holds
    """Return the values of every field of this name, as text."""
    if depth > MAX_DEPTH:
        return set()
    if isinstance(found, list):
        return set().union(*(_values(item, field, depth + 1) for item in found))
    if not isinstance(found, dict):
        return set()
    here = {str(found[field]).casefold()} if field in found and not isinstance(found[field], dict | list) else set()
    return here.union(*(_values(item, field, depth + 1) for item in found.values()))
