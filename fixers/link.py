"""Link failing spans to lines of the repository, without a model: the candidates that a diagnosis chooses among.

frame      a stack trace names the line
attribute  `code.*` attributes name it
tool       the span's tool is a function, or a name in a table of tools
prompt     the prompt that was sent stands in a file, more or less
span       the span's name stands where spans are begun
contrast   failing runs call a tool that healthy ones do not, though no step of theirs failed
words      an identifier in the failure's own words is defined, or stands in quotes
purpose    a function is named for what went wrong: shortening, retrying, parsing
text       a literal stands in what failing runs say, and not in what healthy ones do
job        data was lost or changed on its way, in failing runs alone: the functions whose job that way is
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from clustering.anchor import anchor
from clustering.failure import Failure
from fixers.cases import tools_of
from fixers.code_index import CodeIndex, Place
from fixers.data_flow import symptoms
from fixers.diagnosis import Layer
from fixers.literals import telling
from fixers.roles import Run, adapters, doing
from webhooks import semconv
from webhooks.trace import Span, Trace

MAX_READ = 5  # runs whose every span is read
MAX_LINKED = 20  # failures that are looked at: more would say the same
MAX_FRAMES = 6  # of one stack trace, the innermost ones
MAX_AMBIGUOUS = 4  # places that one name may mean; beyond that it means nothing
MAX_PROMPTS = 6
MAX_PURPOSES = 6
MAX_WORDS = 8  # identifiers of one failure that are looked up
MAX_TEXT = 4_000  # characters of a failure's words that are read for them
OFTEN, SELDOM = 0.6, 0.2  # shares of runs

_FRAME = re.compile(r'File "([^"\n]{1,400})", line (\d{1,7})')
_CLASS = re.compile(r"\b[A-Z]\w*[a-z]\w*[A-Z]\w*")
_STAGED = re.compile(r"[ /:]")
#: What is written as code is: `max_turns`, `RunConfig`, `runner.run_step`, `retry()`; not a plain word.
_IDENTIFIER = re.compile(
    r"(?<![\w./-])(?:[A-Za-z_]\w*\.)*(?:_*[A-Za-z]\w*_\w+|[A-Z]?[a-z0-9]+[A-Z]\w*|[A-Za-z_]\w{2,}(?=\(\)))(?![\w/-])"
)


class Kind(StrEnum):
    """What ties a span to a line."""

    FRAME = "stack frame"
    ATTRIBUTE = "code attributes of the span"
    TOOL = "the tool's function"
    SCHEMA = "names the tool"
    PROMPT = "holds text of the prompt"
    SPAN = "begins spans of this name"
    EXPLAINED = "code attributes of the span where it began"
    CONTRAST = "function of a tool that failing runs call and healthy ones do not"
    WORDS = "named in the failure's own words"
    PURPOSE = "named for what went wrong"
    TEXT = "writes what failing runs say and healthy ones do not"
    ADAPTER = "writes messages for the provider that was asked"
    JOB = "has to do with what these runs alone show"


#: The strongest link first. Where a rule is broken, what was sent says more than what was called; and so on.
_STRENGTH = (
    Kind.JOB, Kind.FRAME, Kind.TEXT, Kind.ATTRIBUTE, Kind.TOOL, Kind.CONTRAST, Kind.EXPLAINED, Kind.WORDS, Kind.SCHEMA,
    Kind.PURPOSE, Kind.ADAPTER, Kind.SPAN, Kind.PROMPT,
)  # fmt: skip
_FIRST: Mapping[Layer, tuple[Kind, ...]] = {
    Layer.PROMPT: (Kind.JOB, Kind.FRAME, Kind.TEXT, Kind.PROMPT),
    Layer.CONTEXT: (Kind.JOB, Kind.FRAME, Kind.TEXT, Kind.WORDS, Kind.PURPOSE),
    Layer.TOOL_SCHEMA: (Kind.JOB, Kind.FRAME, Kind.TEXT, Kind.ATTRIBUTE, Kind.SCHEMA),
    Layer.MODEL_SETTINGS: (Kind.JOB, Kind.FRAME, Kind.TEXT, Kind.WORDS, Kind.PURPOSE),
}
#: Parts of names by which people call functions of a layer.
_PURPOSES: Mapping[Layer, tuple[str, ...]] = {
    Layer.CONTEXT: (
        "trim",
        "truncat",
        "shorten",
        "window",
        "history",
        "compact",
        "summar",
        "condens",
        "fit_context",
        "build_context",
        "system_prompt",
        "system_message",
        "instruction",
        "build_messages",
        "map_messages",
        "prepare_messages",
    ),
    Layer.TOOL_CODE: ("dispatch", "execut", "run_tool", "call_tool", "invoke"),
    Layer.OUTPUT: ("parse", "extract", "decode", "structured", "validate"),
    Layer.LIFECYCLE: ("retry", "retries", "backoff", "timeout", "deadline", "cancel", "attempt", "step_limit"),
    Layer.MODEL_SETTINGS: ("max_tokens", "model_settings", "model_params", "temperature", "completion"),
    Layer.MEMORY: ("skill", "memory", "remember", "recall"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A line of the repository that may hold the cause."""

    place: Place
    kind: Kind
    #: Failures that name it, of those looked at; 0 where a name alone speaks for it.
    n: int


def link(
    failures: Sequence[Failure],
    traces: Mapping[str, Trace],
    index: CodeIndex,
    *,
    layer: Layer | None = None,
    healthy: Sequence[Trace] = (),
) -> list[Candidate]:
    """Return the lines that failing spans point to, the strongest link first, each line once.

    Parameters
    ----------
    failures, traces
        The failures and their traces by id; a missing one is passed over.
    index
        The repository.
    healthy
        Runs in which nothing failed.
    layer
        Decides between kinds: a broken rule is sought in prompts first, an argument that was refused in schemas.

    """
    counts: Counter[tuple[Place, Kind]] = Counter()
    order: dict[tuple[Place, Kind], float] = {}
    for failure in failures[:MAX_LINKED]:
        trace = traces.get(failure.trace_id)
        if trace is None or trace.span(failure.span_id) is None:
            continue
        named = dict.fromkeys(_of_one(failure, trace, index))
        for rank, each in enumerate(named):
            counts[each] += 1
            order[each] = min(rank, order.get(each, rank))
    for rank, place in enumerate(_prompts(failures, traces, index)):
        key = (place, Kind.PROMPT)
        counts[key], order[key] = min(len(failures), MAX_LINKED), rank
    failing = list(
        {each.trace_id: traces[each.trace_id] for each in failures[:MAX_LINKED] if each.trace_id in traces}.values()
    )
    texts = telling(failing, healthy, index)
    run = Run(_provider(failures, traces), _reached(failing, index) | {place.path for place in texts})
    jobs = [doing(symptom, index, run) for symptom in symptoms(failing, healthy)]
    for kind, places in (
        (Kind.JOB, [place for row in zip_longest(*jobs) for place in row if place]),
        (Kind.ADAPTER, [] if jobs else adapters(index, run)),
        (Kind.TEXT, texts),
        (Kind.PURPOSE, _purposes(layer, index, run.provider)),
        (Kind.CONTRAST, [place for tool in contrast(traces, healthy) for place in index.functions_of_tool(tool)]),
    ):
        for rank, place in enumerate(dict.fromkeys(places)):
            counts[place, kind], order[place, kind] = 0, rank
    first = _FIRST.get(layer, ()) if layer else ()
    ranks = [*first, *(kind for kind in _STRENGTH if kind not in first)]
    found = sorted(counts, key=lambda each: (ranks.index(each[1]), -counts[each], order[each], each[0]))
    strongest = {place: (place, kind) for place, kind in reversed(found)}
    return [
        Candidate(place=place, kind=kind, n=counts[place, kind])
        for place, kind in found
        if strongest[place] == (place, kind)
    ]


def _of_one(failure: Failure, trace: Trace, index: CodeIndex) -> Iterator[tuple[Place, Kind]]:
    span = trace.span(failure.span_id) or trace.root
    for place in _frames(span, trace, index):
        yield place, Kind.FRAME
    yield from ((place, Kind.ATTRIBUTE) for place in _attributes(span, index))
    yield from _tools(span, index)
    began = anchor(trace, failure)
    if began.location and (path := index.match(began.location[0])):
        yield Place(path, began.location[1] or 1), Kind.EXPLAINED
    yield from ((place, Kind.WORDS) for place in _words(failure, span, index))
    for each in (span, trace.span(began.explained), *_above(span, trace)):
        if each is not None:
            yield from ((place, Kind.SPAN) for place in _call_sites(each, index))


def _frames(span: Span, trace: Trace, index: CodeIndex) -> Iterator[Place]:
    """Yield the stack frames in the repository, innermost first, of this span or else of the last that has some."""
    for candidate in (span, *reversed(trace.spans)):
        if placed := _frames_of(candidate, index):
            yield from placed[:MAX_FRAMES]
            return


def _frames_of(span: Span, index: CodeIndex) -> list[Place]:
    error = semconv.exception(span)
    frames = _FRAME.findall(error.stacktrace if error is not None else "")
    return [Place(path, int(line)) for name, line in reversed(frames) if (path := index.match(name))]


def _attributes(span: Span, index: CodeIndex) -> Iterator[Place]:
    place = semconv.code_location(span)
    if place is not None and (path := index.match(place[0])):
        yield Place(path, place[1] or 1)


def _tools(span: Span, index: CodeIndex) -> Iterator[tuple[Place, Kind]]:
    """Yield the functions that are called as the span's tool is, and the lines that name it."""
    name = semconv.tool_name(span)
    if semconv.operation(span) is not semconv.Operation.TOOL or not name:
        return
    functions = index.functions_of_tool(name)
    if len(functions) <= MAX_AMBIGUOUS:
        yield from ((place, Kind.TOOL) for place in functions)
    named = index.sites(name)
    if len(named) <= MAX_AMBIGUOUS:
        yield from ((place, Kind.SCHEMA) for place in named)


def _words(failure: Failure, span: Span, index: CodeIndex) -> Iterator[Place]:
    """Yield what the identifiers in a failure's words name, the rarest first."""
    error = semconv.exception(span)
    said = f"{failure.message[:MAX_TEXT]} {error.message[:MAX_TEXT] if error is not None else ''}"
    names = dict.fromkeys(match[0].rpartition(".")[2] for match in _IDENTIFIER.finditer(said))
    for places in sorted(map(index.meant, list(names)[:MAX_WORDS]), key=len):
        if len(places) <= MAX_AMBIGUOUS:
            yield from places


def _reached(failing: Sequence[Trace], index: CodeIndex) -> set[str]:
    """Return the files that runs are known to have passed through: by frames, attributes and the names of spans."""
    found: set[str] = set()
    for trace in failing[:MAX_READ]:
        for span in trace.spans:
            found.update(place.path for place in _frames_of(span, index))
            found.update(place.path for place in _attributes(span, index))
        for name in {name for span in trace.spans for name in _CLASS.findall(span.name)}:
            places = index.definitions(name)
            found.update(place.path for place in places if len(places) <= MAX_AMBIGUOUS)
    return found


def _above(span: Span, trace: Trace) -> Iterator[Span]:
    """Yield the spans around a span, the nearest first."""
    parent = trace.span(span.parent_span_id) if span.parent_span_id else None
    seen = {span.span_id}
    while parent is not None and parent.span_id not in seen:
        yield parent
        seen.add(parent.span_id)
        parent = trace.span(parent.parent_span_id) if parent.parent_span_id else None


def _call_sites(span: Span, index: CodeIndex) -> list[Place]:
    """Return where a span of this name is begun: its name in quotes, or the function that it is called after."""
    named = index.sites(span.name) if span.name.strip() else []
    if not named and (function := span.name.rpartition(".")[2]).isidentifier():
        named = list(index.definitions(function))
    if not named and (stem := _STAGED.split(span.name)[0]) and len(stem) > 3:  # noqa: PLR2004  # "chat", not "GET"
        mark = span.name[len(stem) : len(stem) + 1]
        named = [
            place for quote in ('"', "'") for place in index.lines(f"{quote}{stem}{mark}{{".encode(), index.sources)
        ]
    if len(named) > MAX_AMBIGUOUS:
        return []
    # Where spans are begun by a helper, what calls it says more.
    called = [caller for place in named for caller in index.callers(place)]
    return [*(called if len(called) <= MAX_AMBIGUOUS else []), *named]


def _prompts(failures: Sequence[Failure], traces: Mapping[str, Trace], index: CodeIndex) -> list[Place]:
    """Return the files that hold the system prompt of the first failing run that has one, the largest share first."""
    prompt = next((text for failure in failures if (text := _system_prompt(traces.get(failure.trace_id)))), "")
    return [place for place, _ in index.prompts(prompt)[:MAX_PROMPTS]] if prompt else []


def _system_prompt(trace: Trace | None) -> str:
    """Return the system prompt of a run's first call that has one."""
    spans = trace.spans if trace else ()
    messages = (message for span in spans for message in semconv.input_messages(span))
    return next((each.content for each in messages if each.role in {"system", "developer"} and each.content), "")


def contrast(failing: Mapping[str, Trace], healthy: Sequence[Trace]) -> list[str]:
    """Return the tools that most failing runs call and hardly a healthy one does, the plainest difference first."""
    if not failing or not healthy:
        return []
    counts = [Counter(tool for trace in runs for tool in tools_of(trace)) for runs in (failing.values(), healthy)]
    shares = {tool: (counts[0][tool] / len(failing), counts[1][tool] / len(healthy)) for tool in counts[0]}
    plain = [tool for tool, (bad, good) in shares.items() if bad >= OFTEN and good <= SELDOM]
    return sorted(plain, key=lambda tool: (shares[tool][1] - shares[tool][0], tool))


def _provider(failures: Sequence[Failure], traces: Mapping[str, Trace]) -> str:
    """Return the provider that the failing run's model calls name, such as "openai"; "" when none does."""
    spans = (span for failure in failures[:1] if failure.trace_id in traces for span in traces[failure.trace_id].spans)
    return next((name for span in spans if (name := semconv.provider(span))), "")


def _purposes(layer: Layer | None, index: CodeIndex, provider: str) -> list[Place]:
    """Return the functions that are named for what a layer does, those whose names say it most plainly first.

    Of several that say it alike, the adapter of the provider that was asked comes first.
    """
    words = _PURPOSES.get(layer, ()) if layer else ()
    found = [
        (
            -sum(word in name.lower() for word in words) - sum(word in place.path.lower() for word in words),
            not provider or provider not in place.path.lower(),
            place,
        )
        for name, places in index.named(words)
        for place in places
    ]
    return [place for _, _, place in sorted(found)[:MAX_PURPOSES]]
