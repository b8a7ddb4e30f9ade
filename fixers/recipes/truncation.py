"""Shortening a conversation keeps the system prompt, and never parts a tool result from the call that it answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.cuts import MAY_CUT, Cut, cuts_in
from fixers.recipes.insert import helper_in
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.shortening import shortening_test
from fixers.recipes.source import Source, harness_files
from webhooks import semconv

#: What providers say of a request that they do not take; of a tool result without its call, or the other way round.
_REFUSED = re.compile(r"\bBadRequest(Error)?\b|\b400\b")
_PARTED = re.compile(
    r"role.{0,4}tool.{0,40}(must|should) (be|follow)|tool_call_ids? did not have response|preceed?ing mess",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Truncation:
    """The recipe for `messages[-n:]` and for loops that pop the first message."""

    name: str = "truncation"
    layer: Layer = Layer.CONTEXT

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether shortening lost the system prompt, or parted a tool call from its result."""
        if mode.detector in {"error", "provider_error"}:
            return most(failures, lambda failure: bool(_PARTED.search(failure.message) or _refused(failure)))
        return mode.detector == "lost_system_prompt"

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Replace the first place that cuts a conversation regardless of its roles."""
        if seen.failures and all(map(_refused, seen.failures)) and not _parted(seen):
            return "no request that was refused parts a tool's result from its call"
        files = harness_files(sources, diagnosis, lambda _, text: MAY_CUT.search(text))
        tried = (_fix(source, cut, sources) for source in files for cut in cuts_in(source))
        return first_fix(tried, "nothing cuts a list of messages regardless of their roles")


def _refused(failure: Failure) -> bool:
    """Tell whether the provider refused a request without saying why."""
    if _PARTED.search(failure.message):
        return False
    return bool(_REFUSED.search(f"{failure.key} {failure.message}"))


def _parted(seen: Seen) -> bool:
    """Tell whether a failing run ends with a request in which a tool's result stands without its call."""
    failing = {failure.trace_id for failure in seen.failures} & set(seen.traces)
    requests = [request for id_ in failing for span in seen.traces[id_].spans if (request := semconv.request(span))]
    return any(_without_call(request.get("messages") or []) for request in requests)


def _without_call(messages: Sequence[Mapping[str, Any]]) -> bool:
    asked: set[str] = set()
    for message in messages:
        asked |= {str(call.get("id")) for call in message.get("tool_calls") or []}
        if message.get("role") == "tool" and str(message.get("tool_call_id")) not in asked:
            return True
    return False


def _fix(source: Source, cut: Cut, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(cut.node)}"
    function = source.function_of(cut.node)
    if function is None:
        return f"{where} is in no function"
    after = source.edited([cut.splice, *helper_in(source, cut.node, re.sub(r"_\d+$", "", cut.name), cut.helper)[1]])
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = shortening_test(source, cut, function, sources)
    if isinstance(test, str):
        return test
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Keep the system prompt when a conversation is shortened",
        rationale=(
            f"{where} keeps the newest messages whatever their roles are, so a long conversation loses its system "
            "prompt, and a "
            "tool result may lose the call that it answers, which providers refuse. Now system prompts always "
            "stay, and "
            "tool calls and their results stay or go together."
        ),
        risk="A request may hold a few messages more than the limit, where several tool results belong to one call.",
    )
