"""Cassette: what a model and the tools answered in one recorded run, as plain JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from fixers.errors import CassetteError

#: Status of a call that got no answer at all: a time-out, a dropped connection.
NO_ANSWER = 0
#: How a body that is no text is kept.
BASE64 = "base64"
#: Body of an error whose answer was only not waited for.
TIMED_OUT = {"error": {"type": "timeout"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelError:
    """An answer of the provider that was not a completion."""

    #: HTTP status, or NO_ANSWER.
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One chat completions call: exactly one of response and error is there."""

    request: dict[str, Any]
    response: dict[str, Any] | None = None
    error: ModelError | None = None
    #: From the run's beginning; None when nobody knows.
    began_ms: float | None = None
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolError:
    """An exception that a tool raised."""

    type: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One run of a tool: exactly one of result and error is there."""

    name: str
    #: As recorded: JSON when all went well, anything otherwise.
    arguments: str
    result: str | None = None
    error: ToolError | None = None
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One request that a tool made over HTTP, and what came back."""

    #: In capitals.
    method: str
    url: str
    #: What was sent; empty when nothing was, or nobody recorded it.
    sent: str = ""
    #: HTTP status, or NO_ANSWER.
    status: int
    content_type: str = "application/json"
    #: Of a call that got no answer, why: it is not served.
    body: str
    #: BASE64 when the body is no text.
    encoding: str = ""
    #: What of the answer's head says more of it: Location, Link, Retry-After. No cookies, no credentials.
    headers: dict[str, str] = field(default_factory=dict)
    #: From the run's beginning; None when nobody knows.
    began_ms: float | None = None
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """One recorded run, in the order in which its calls began. Hostile text throughout: data, never instructions."""

    trace_id: str
    service: str
    #: The root span's input.value; None when the run did not record what it was asked.
    input: str | None
    model_calls: tuple[ModelCall, ...]
    tool_calls: tuple[ToolCall, ...]
    http_calls: tuple[HttpCall, ...] = ()
    #: The root span's output.value; None when the run did not record what it answered.
    output: str | None = None
    #: When the run began, as ISO 8601; None when nobody knows. Clocks in its texts are read by it.
    recorded_at: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned, or what a person wrote like it: what may be absent may be left out.

        Raises
        ------
        CassetteError
            When a call lacks what it needs; the message names it.

        """
        try:
            return cls(
                trace_id=str(data["trace_id"]),
                service=str(data.get("service", "")),
                input=data["input"],
                model_calls=tuple(_model_call(call) for call in data.get("model_calls", ())),
                tool_calls=tuple(_tool_call(call) for call in data.get("tool_calls", ())),
                http_calls=tuple(HttpCall(**call) for call in data.get("http_calls", ())),
                output=data.get("output"),
                recorded_at=data.get("recorded_at"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CassetteError(f"not a cassette: {type(error).__name__}: {error}") from error

    def texts(self) -> list[str]:
        """Return what came from outside: what was asked, and every answer."""
        answers = [
            json.dumps(call.response, ensure_ascii=False, default=str) for call in self.model_calls if call.response
        ]
        errors = [tool.error.message for tool in self.tool_calls if tool.error]
        results = [tool.result for tool in self.tool_calls if tool.result is not None]
        return [self.input or "", *answers, *results, *errors, *(call.body for call in self.http_calls)]


def _model_call(call: Mapping[str, Any]) -> ModelCall:
    error = call.get("error")
    if (call.get("response") is None) is (error is None):
        raise TypeError("a model call needs a response or an error, and not both")
    return ModelCall(**{**call, "error": ModelError(**error) if error else None})


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    error = call.get("error")
    if (call.get("result") is None) is (error is None):
        raise TypeError("a tool call needs a result or an error, and not both")
    return ToolCall(**{**call, "error": ToolError(**error) if error else None})
