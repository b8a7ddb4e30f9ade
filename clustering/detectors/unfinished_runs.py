"""Runs that were begun and left."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRuns:
    """The root never ended, and the last call to the model gave no words to anybody; the key is "unfinished".

    A tracer that never sends a root's end is not judged by it: the last call has then answered.
    """

    name: str = "abandoned"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure at the root, or nothing."""
        calls = chat_calls(trace)
        if not calls or trace.root.end is not None or any(span.end is None for span in calls[:-1]):
            return
        messages = semconv.output_messages(calls[-1])
        if calls[-1].end is None or any(message.tool_calls for message in messages):
            yield failure_at(
                trace,
                trace.root,
                detector=self.name,
                key="unfinished",
                message="",
                reason="The run was begun and never ended, and nobody got an answer.",
            )
