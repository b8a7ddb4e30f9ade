"""Answers that are not in the form that the request asked for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.span_outcome import failed
from clustering.tool_schema import MAX_JSON, schema_violation
from webhooks import semconv
from webhooks.attributes import mapping, text
from webhooks.trace import Span, Trace

FORMATS = frozenset({"json_object", "json_schema"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidOutputs:
    """The request asked for JSON, or for JSON of a schema, and the last such answer is not; keyed by the format.

    A later answer in the right form makes up for it.
    """

    name: str = "invalid_output"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure per format."""
        last: dict[str, tuple[Span, str | None]] = {}
        for span in chat_calls(trace):
            asked = _format(span)
            form = text(asked.get("type"))
            if form and form in FORMATS and not failed(span) and (answer := _answer(span)) is not None:
                last[form] = span, _violation(answer, asked)
        for form, (span, violation) in last.items():
            if violation is not None:
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=form,
                    message=violation,
                    reason="The model's answer is not in the form that the request asked for.",
                )


def _format(span: Span) -> Mapping[str, Any]:
    """Return the request's response_format, in the shape of the chat completions API."""
    recorded = mapping(span.attributes.get("llm.invocation_parameters")) or mapping(semconv.input_value(span))
    return mapping(recorded.get("response_format"))


def _answer(span: Span) -> str | None:
    """Return the answer's text; None when there is none, or calls of tools instead."""
    messages = semconv.output_messages(span)
    if not messages or messages[0].tool_calls or not messages[0].content.strip():
        return None
    return messages[0].content


def _violation(answer: str, asked: Mapping[str, Any]) -> str | None:
    if len(answer) > MAX_JSON:
        return None
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return "the answer is not JSON"
    schema = mapping(mapping(asked.get("json_schema")).get("schema"))
    return schema_violation(value, schema) if schema else None
