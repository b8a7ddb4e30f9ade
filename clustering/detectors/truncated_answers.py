"""Answers that break off, although no finish reason says so."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.attributes import first, integer, mapping
from webhooks.trace import Span, Trace

LIMIT_KEYS = ("gen_ai.request.max_tokens", "llm.request.max_tokens")
LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxTokens")
FENCE = "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedAnswers:
    """The last answer of the model took all the tokens it might, or leaves a block of code open.

    The keys are "tokens" and "code".
    """

    name: str = "truncated_answer"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the last call to the model."""
        calls = chat_calls(trace)
        key = _how(calls[-1]) if calls else None
        if key:
            yield failure_at(
                trace,
                calls[-1],
                detector=self.name,
                key=key,
                message=f"{semconv.usage(calls[-1]).output_tokens} tokens",
                reason="The model's last answer breaks off.",
            )


def _how(span: Span) -> str | None:
    limit = _limit(span)
    if limit and semconv.usage(span).output_tokens >= limit:
        return "tokens"
    return "code" if any(message.content.count(FENCE) % 2 for message in semconv.output_messages(span)) else None


def _limit(span: Span) -> int:
    asked = mapping(span.attributes.get("llm.invocation_parameters"))
    return integer(first(span.attributes, LIMIT_KEYS)) or integer(first(asked, LIMIT_NAMES)) or 0
