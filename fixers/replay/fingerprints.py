"""Fingerprints of a run's calls, the strictest first: as they are, then without ids and clocks of its own making."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from fixers.replay.blanks import Places, blanked, secret_places
from fixers.replay.cassette import Cassette, HttpCall
from fixers.replay.http_tools import http_fingerprint
from fixers.replay.match import model_fingerprint, tool_fingerprint
from fixers.replay.tolerance import Tolerance, named

ANY_BODY = "any body"  # a request whose body nobody recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """What finds the calls of one run, recorded or replayed."""

    tolerance: Tolerance
    #: Where its HTTP requests held secrets.
    secret_places: Places = frozenset()

    @classmethod
    def of_recording(cls, cassette: Cassette) -> Self:
        """Return those of a recorded run: its clock stood at the time of the recording."""
        tolerance = Tolerance(known=named(cassette.texts()), around=_time(cassette.recorded_at))
        return cls(tolerance=tolerance, secret_places=secret_places(cassette.http_calls))

    def replayed(self, now: datetime) -> Self:
        """Return those of a replay of this run at `now`: what came from outside is the same."""
        return replace(self, tolerance=replace(self.tolerance, around=now))

    def of_model(self, request: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the fingerprints of a chat completions request."""
        return model_fingerprint(request), model_fingerprint(request, self.tolerance)

    def of_tool(self, name: str, arguments: object) -> tuple[str, ...]:
        """Return the fingerprints of a run of a tool."""
        return tool_fingerprint(name, arguments), tool_fingerprint(name, arguments, self.tolerance)

    def of_http(self, method: str, url: str, sent: str) -> tuple[str, ...]:
        """Return the fingerprints of an HTTP request; the last is that of one whose body nobody recorded."""
        url, sent = blanked(url, sent, self.secret_places)
        bodies = (sent, sent, ANY_BODY) if sent else (sent, sent)
        tolerances = (None, self.tolerance, self.tolerance)
        pairs = zip(bodies, tolerances, strict=False)
        return tuple(http_fingerprint(method, url, body, tolerance) for body, tolerance in pairs)

    def of_http_call(self, call: HttpCall) -> tuple[str, ...]:
        """Return the fingerprints of a recorded HTTP request."""
        found = self.of_http(call.method, call.url, call.sent)
        if call.sent:
            return found[:2]
        url, _ = blanked(call.url, "", self.secret_places)
        return (*found, http_fingerprint(call.method, url, ANY_BODY, self.tolerance))


def _time(recorded_at: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(recorded_at) if recorded_at else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None
