"""Transcript: a run as numbered steps, short enough for a model to read, each step tied to its span. No I/O.

Every step is one line of JSON, so that no text of a trace can end its step or begin another. People's feedback is left
out: whoever judges the run from a transcript must not see what it was rated.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.dialogue import unheard
from clustering.span_outcome import error_message, failed
from webhooks import semconv
from webhooks.trace import Span, Trace

MAX_CHARACTERS = 24_000  # about 6,000 tokens
MAX_STEPS = 120  # a longer run is shown by its beginning and its end
MAX_INSTRUCTIONS = 8_000
MIN_TEXT = 120
GAP = " … "
LINE_ENDS = re.compile("[\x85\u2028\u2029]")  # JSON leaves these as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened: something said, or a tool that ran."""

    #: "s1", "s2": what a model cites.
    name: str
    who: str
    #: As the trace has it, uncut.
    text: str
    span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The steps of one run, oldest first."""

    #: What the harness told its model: the system prompts, each once.
    instructions: str
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step | None:
        """Return the step that is called so."""
        return next((step for step in self.steps if step.name == name), None)

    def lines(self, *, max_characters: int = MAX_CHARACTERS) -> str:
        """Return the steps as lines of JSON, long texts cut in their middle so that all fit."""
        shown = _ends(self.steps, MAX_STEPS)
        limit = _text_limit([len(step.text) for step in shown], max_characters)
        lines = [as_line({"step": step.name, "who": step.who, "text": _cut(step.text, limit)}) for step in shown]
        left_out = len(self.steps) - len(shown)
        if left_out:
            lines.insert(MAX_STEPS // 2, as_line({"left out": f"{left_out} steps"}))
        return "\n".join(lines)


def as_line(value: Mapping[str, str]) -> str:
    """Return JSON on one line, whatever characters end a line somewhere, that any encoding can carry."""
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    return LINE_ENDS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def transcript(trace: Trace) -> Transcript:
    """Return the transcript of a run: what people and the agent said, each once, and what the tools did."""
    said = [*_said(chat_calls(trace)), *_ran(tool_calls(trace))]
    if not said and trace.spans:
        said = list(_framed(trace.root))
    ordered = sorted(said, key=lambda item: item[0])
    steps = tuple(
        Step(name=f"s{number}", who=who, text=text, span_id=span.span_id)
        for number, (_, span, who, text) in enumerate(ordered, start=1)
    )
    return Transcript(instructions=_instructions(trace), steps=steps)


_Said = tuple[tuple[float, int], Span, str, str]


def _said(calls: Sequence[Span]) -> Iterator[_Said]:
    known: Counter[str] = Counter()
    for span in calls:
        asked = Counter(
            message.content.strip() for message in semconv.input_messages(span) if message.role in {"user", "human"}
        )
        for text in unheard(asked, known):
            if text:
                yield (span.start.timestamp(), 0), span, "user", text
        for message in semconv.output_messages(span):
            if message.content.strip():
                yield ((span.end or span.start).timestamp(), 1), span, "agent", message.content.strip()
        if failed(span):
            yield ((span.end or span.start).timestamp(), 1), span, "model error", error_message(span)


def _ran(calls: Sequence[Span]) -> Iterator[_Said]:
    for span in calls:
        result = error_message(span) if failed(span) else semconv.tool_result(span) or ""
        text = f"{semconv.tool_name(span) or span.name}({semconv.tool_arguments(span) or ''}) -> {result}"
        yield (span.start.timestamp(), 2), span, "tool", text


def _framed(root: Span) -> Iterator[_Said]:
    """Yield what the root was given and gave, for a run whose calls were not recorded."""
    for who, text in (("user", semconv.input_value(root)), ("agent", semconv.output_value(root))):
        if text and text.strip():
            yield (root.start.timestamp(), 0 if who == "user" else 1), root, who, text.strip()


def _instructions(trace: Trace) -> str:
    told = dict.fromkeys(
        message.content.strip()
        for span in chat_calls(trace)
        for message in semconv.input_messages(span)
        if message.role in {"system", "developer"}
    )
    return _cut("\n\n".join(text for text in told if text), MAX_INSTRUCTIONS)


def _ends(steps: Sequence[Step], most: int) -> list[Step]:
    if len(steps) <= most:
        return list(steps)
    return [*steps[: most // 2], *steps[-(most - most // 2) :]]


def _text_limit(lengths: Sequence[int], total: int) -> int:
    """Return the length to which texts are cut so that together they have at most `total` characters, or nearly."""
    remaining, left = total, len(lengths)
    for length in sorted(lengths):
        if length * left > remaining:
            return max(remaining // left, MIN_TEXT)
        remaining -= length
        left -= 1
    return max(lengths, default=MIN_TEXT)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = max((limit - len(GAP)) // 2, 1)
    return text[:half] + GAP + text[-half:]
