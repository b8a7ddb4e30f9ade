"""Runs that end in silence."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls, final_answer, tool_calls
from clustering.deeds import hands_over
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.span_outcome import failed
from webhooks import semconv
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyAnswers:
    """The root ended well but without an answer, although the model was asked; the key is "empty"."""

    name: str = "empty_answer"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure at the root, or nothing."""
        calls = chat_calls(trace)
        if not calls or failed(trace.root) or trace.root.end is None or final_answer(trace) != "":
            return
        last_tools = tool_calls(trace)[-1:]
        if any(hands_over(tool) and tool.start >= calls[-1].start for tool in last_tools):
            return
        wants_tools = any(message.tool_calls for message in semconv.output_messages(calls[-1]))
        why = "The model's last call asks for tools" if wants_tools else "The model was asked"
        yield failure_at(
            trace,
            trace.root,
            detector=self.name,
            key="empty",
            message="; ".join(semconv.finish_reasons(calls[-1])),
            reason=f"{why}, and the run ends without an answer.",
        )
