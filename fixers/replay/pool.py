"""Pool: answers from the recorded runs of one service, for a run that asks what another run has asked before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

from fixers.replay.cassette import NO_ANSWER, Cassette, HttpCall, ModelCall, ToolCall
from fixers.replay.fingerprints import Fingerprints

Call = TypeVar("Call")
#: By fingerprint: whose call it is, and the call.
Shelf = defaultdict[str, list[tuple[str, Call]]]


class Pool:
    """The answers of all runs; errors are left out, since another run need not meet them."""

    def __init__(self, cassettes: Iterable[Cassette] = ()) -> None:
        self._model: Shelf[ModelCall] = defaultdict(list)
        self._tools: Shelf[ToolCall] = defaultdict(list)
        self._http: Shelf[HttpCall] = defaultdict(list)
        for cassette in cassettes:
            self._add(cassette)

    def model_call(
        self, fingerprints: Sequence[str], *, not_from: str, rather_from: str
    ) -> tuple[str, ModelCall] | None:
        """Return a completion of another run than `not_from`, and whose it is; one of `rather_from` comes first."""
        return _choose(self._model, fingerprints, not_from, rather_from)

    def tool_call(self, fingerprints: Sequence[str], *, not_from: str, rather_from: str) -> tuple[str, ToolCall] | None:
        """Return a tool's result in another run than `not_from`, and whose it is; one of `rather_from` comes first."""
        return _choose(self._tools, fingerprints, not_from, rather_from)

    def http_call(self, fingerprints: Sequence[str], *, not_from: str, rather_from: str) -> tuple[str, HttpCall] | None:
        """Return what another run than `not_from` was answered over HTTP; one of `rather_from` comes first."""
        return _choose(self._http, fingerprints, not_from, rather_from)

    def _add(self, cassette: Cassette) -> None:
        recorded = Fingerprints.of_recording(cassette)
        for call in cassette.model_calls:
            if call.response is not None:
                _put(self._model, recorded.of_model(call.request), (cassette.trace_id, call))
        for tool in cassette.tool_calls:
            if tool.result is not None:
                _put(self._tools, recorded.of_tool(tool.name, tool.arguments), (cassette.trace_id, tool))
        for asked in cassette.http_calls:
            if asked.status != NO_ANSWER:
                _put(self._http, recorded.of_http_call(asked), (cassette.trace_id, asked))


def _put(shelf: Shelf[Call], fingerprints: Sequence[str], named: tuple[str, Call]) -> None:
    for fingerprint in dict.fromkeys(fingerprints):
        shelf[fingerprint].append(named)


def _choose(
    shelf: Shelf[Call], fingerprints: Sequence[str], not_from: str, rather_from: str
) -> tuple[str, Call] | None:
    for fingerprint in fingerprints:
        others = [candidate for candidate in shelf.get(fingerprint, []) if candidate[0] != not_from]
        if others:
            return min(others, key=lambda candidate: candidate[0] != rather_from)
    return None
