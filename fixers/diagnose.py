"""Diagnose a failure mode without a model: which layer, where in the code, and the words of the traces that show it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.code_index import CodeIndex
from fixers.data_flow import Symptom, symptoms
from fixers.diagnosis import Diagnosis, Layer, Location, Quote
from fixers.link import Candidate, contrast, link
from webhooks import semconv
from webhooks.trace import Span, Trace

MAX_QUOTES = 3
#: Detectors that judge an answer, and say nothing of where in the run it went wrong.
JUDGEMENTS = frozenset({"negative_feedback", "objection"})
MAX_QUOTE_CHARACTERS = 300

_TRANSIENT = re.compile(r"RateLimit|Timeout|Connection|InternalServer|ServiceUnavailable|Overloaded")
_PARSING = re.compile(r"JSONDecode|Validation")
_REFUSED = re.compile(r"ContextWindow|BadRequest")
_ANY = re.compile("")

#: Detector, pattern of the failure's key, layer, cause. The first row whose detector and pattern fit counts.
_CAUSES: tuple[tuple[str, re.Pattern[str], Layer, str], ...] = (
    ("error", _TRANSIENT, Layer.LIFECYCLE, "A request to the provider failed with {key}, and was not tried again."),
    ("error", _PARSING, Layer.OUTPUT, "What the model sent could not be parsed ({key}), which ended the run."),
    ("error", _REFUSED, Layer.CONTEXT, "The provider refused the messages that the harness built ({key})."),
    ("error", _ANY, Layer.TOOL_CODE, "The run ended with {key}, which nothing in the harness handles."),
    ("tool_error", _ANY, Layer.TOOL_SCHEMA, "The tool {key} refuses what its description lets the model send."),
    ("limit", re.compile("length"), Layer.MODEL_SETTINGS, "The model's answer was cut off at its length limit."),
    ("limit", re.compile("time|cost"), Layer.LIFECYCLE, "The run reached its {key} limit and gave no answer."),
    ("limit", _ANY, Layer.LIFECYCLE, "The run reached its step limit, and what the model had found was lost."),
    ("repeated_call", _ANY, Layer.TOOL_SCHEMA, "The model calls {key} again and again with the same arguments."),
    ("negative_feedback", _ANY, Layer.PROMPT, "The users rate these answers as bad, though no step failed."),
    ("policy", _ANY, Layer.PROMPT, "The rule {key} is broken: nothing makes the model keep it."),
    ("empty_answer", _ANY, Layer.LIFECYCLE, "The run ended without an answer although the model was asked."),
    ("lost_system_prompt", _ANY, Layer.CONTEXT, "Later calls no longer hold the system prompt: shortening drops it."),
    ("tool_result_mismatch", _ANY, Layer.TOOL_CODE, "The model sees another result than its call returned ({key})."),
    ("provider_error", re.compile("context"), Layer.CONTEXT, "The harness builds requests that are too long."),
    ("provider_error", _ANY, Layer.LIFECYCLE, "The provider refused the request ({key}), and nothing handles that."),
    ("invalid_tool_arguments", _ANY, Layer.TOOL_SCHEMA, "The model does not keep to the schema of {key}."),
    ("unknown_tool", _ANY, Layer.PROMPT, "The model calls a tool that does not exist ({key})."),
    ("trial_and_error", _ANY, Layer.TOOL_SCHEMA, "The tool {key} does not say what it will refuse."),
    ("invalid_output", _ANY, Layer.OUTPUT, "The answer is not in the form that was asked for ({key})."),
    ("lost_tool_result", _ANY, Layer.CONTEXT, "The results of {key} are missing from what the model is sent."),
    ("truncated_answer", _ANY, Layer.MODEL_SETTINGS, "The model's last answer breaks off ({key})."),
    ("unbacked_claim", _ANY, Layer.PROMPT, "The model says that it {key} something, and called no tool that does."),
    ("contradiction", _ANY, Layer.PROMPT, "The answer does not keep to what the tool had said ({key})."),
    ("ungrounded_argument", _ANY, Layer.PROMPT, "The model makes up an argument ({key}) instead of asking."),
    ("needless_handover", _ANY, Layer.PROMPT, "The model hands over with {key} although it was getting on."),
    ("objection", _ANY, Layer.PROMPT, "The users object to these answers ({key})."),
)  # fmt: skip
#: Where a run is judged as a whole, what happened to its data says which part is to blame.
_LAYERS: Mapping[Symptom, Layer] = {
    Symptom.CALL_DROPPED: Layer.OUTPUT,
    Symptom.CALL_ALTERED: Layer.OUTPUT,
    Symptom.RESULT_LOST: Layer.CONTEXT,
    Symptom.ERROR_HIDDEN: Layer.TOOL_CODE,
    Symptom.PROMPT_LOST: Layer.CONTEXT,
    Symptom.MESSAGE_LOST: Layer.CONTEXT,
    Symptom.CUT_SHORT: Layer.LIFECYCLE,
    Symptom.ANSWER_ALTERED: Layer.OUTPUT,
    Symptom.LOOSE_SCHEMA: Layer.TOOL_SCHEMA,
}
_UNKNOWN = (Layer.TOOL_CODE, "These runs fail in the same way ({key}).")


def diagnose(
    mode: FailureMode,
    failures: Sequence[Failure],
    traces: Mapping[str, Trace],
    index: CodeIndex,
    *,
    healthy: Sequence[Trace] = (),
) -> Diagnosis:
    """Return what causes a failure mode, as far as rules can tell.

    Parameters
    ----------
    mode, failures
        The failure mode and its members.
    traces
        The members' traces by id; a missing one is passed over.
    index
        The repository.
    healthy
        Runs in which nothing failed, to compare with.

    """
    detector = failures[0].detector if failures else mode.detector
    key = Counter(failure.key for failure in failures).most_common(1)[0][0] if failures else mode.key
    layer, cause = _cause(detector, key)
    found = symptoms([traces[each] for each in dict.fromkeys(f.trace_id for f in failures) if each in traces], healthy)
    if found:
        layer, cause = (_LAYERS[found[0]] if detector in JUDGEMENTS else layer), f"{cause} In these runs, {found[0]}."
    elif detector in JUDGEMENTS and (tools := contrast(traces, healthy)):
        layer, cause = Layer.TOOL_CODE, f"{cause} What these runs have in common is the tool {_plain(tools[0])}."
    anchored = list(_anchors(failures, traces))
    return Diagnosis(
        failure_mode_id=mode.id,
        cause=cause.format(key=_plain(key)),
        layer=layer,
        location=_location(link(failures, traces, index, layer=layer, healthy=healthy)),
        quotes=tuple(_quotes(anchored)),
    )


def quote_exists(trace: Trace, quote: Quote) -> bool:
    """Tell whether the quoted words stand in that span of that trace."""
    span = trace.span(quote.span_id) if trace.trace_id == quote.trace_id else None
    return span is not None and bool(quote.text) and any(quote.text in text for text in span_texts(span))


def span_texts(span: Span) -> Iterator[str]:
    """Yield every text that a span holds: status message, attributes and events, the most telling first."""
    for event in span.events:
        yield from _texts(event.attributes)
    yield span.status_message
    yield from _texts(span.attributes)
    yield span.name


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _cause(detector: str, key: str) -> tuple[Layer, str]:
    for name, pattern, layer, cause in _CAUSES:
        if name == detector and pattern.search(key):
            return layer, cause
    return _UNKNOWN


def _plain(key: str) -> str:
    """Return a key fit for a sentence: it comes from a trace, so it may hold anything."""
    return re.sub(r"[^\w .:-]+", " ", key)[:60].strip() or "unnamed"


def _anchors(failures: Sequence[Failure], traces: Mapping[str, Trace]) -> Iterator[tuple[Failure, Trace, Span]]:
    for failure in failures:
        trace = traces.get(failure.trace_id)
        span = trace.span(failure.span_id) if trace is not None else None
        if trace is not None and span is not None:
            yield failure, trace, span


def _quotes(anchored: Sequence[tuple[Failure, Trace, Span]]) -> Iterator[Quote]:
    """Yield a quote for each of the first few traces, and only words that stand in its span."""
    seen: set[str] = set()
    for failure, trace, span in anchored:
        text = next((part for part in _candidates(failure, span) if part), "")[:MAX_QUOTE_CHARACTERS].strip()
        quote = Quote(trace_id=trace.trace_id, span_id=span.span_id, text=text)
        if text and text not in seen and quote_exists(trace, quote):
            seen.add(text)
            yield quote
        if len(seen) == MAX_QUOTES:
            return


def _candidates(failure: Failure, span: Span) -> Iterator[str]:
    """Yield what may be quoted of a span: the failure's message, the exception's, what it put out."""
    texts = [text for text in span_texts(span) if text]
    if any(failure.message[:MAX_QUOTE_CHARACTERS].strip() in text for text in texts):
        yield failure.message
    error = semconv.exception(span)
    yield error.message if error is not None else ""
    yield span.status_message
    yield semconv.output_value(span) or ""


def _location(candidates: Sequence[Candidate]) -> Location | None:
    """Return the strongest link."""
    return next((Location(path=each.place.path, line=each.place.line) for each in candidates), None)
