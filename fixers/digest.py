"""Tell a failure mode in a few pages: counts, quoted spans, places in the code, and the names of the raw traces."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.cases import tools_of
from fixers.checkout import read_tree
from fixers.diagnosis import Diagnosis, Location
from fixers.quoting import fenced, one_line
from fixers.span_text import span_line
from webhooks import semconv
from webhooks.trace import Span, Trace

BYTES_PER_TOKEN = 4
EXEMPLARS = 3
SPANS_BEFORE = 6
SPANS_AFTER = 2
SHORT = 300  # characters of a neighbouring span
LONG = 1_500  # characters of the failing one
MESSAGES = 5
LOCATIONS = 4
LINES_AROUND = 8
MENTIONS = 10
LISTED_FILES = 200
LISTED_TRACES = 15  # of each kind
MAX_SOURCE_BYTES = 200_000  # a larger file is not one that people write by hand
# A frame of a Python stack trace.
FRAME = re.compile(r'File "([^"\n]{1,300})", line (\d{1,7})')


def digest(
    mode: FailureMode,
    *,
    failures: Sequence[Failure],
    traces: Sequence[Trace],
    healthy: Sequence[Trace],
    diagnosis: Diagnosis | None,
    checkout: Path,
    max_tokens: int = 10_000,
) -> str:
    """Return the account as Markdown; what traces say is fenced and marked as data.

    Parameters
    ----------
    mode
        The failure mode.
    failures
        Its members, or a sample of them.
    traces
        The traces that failed.
    healthy
        Traces that did not, for comparison.
    diagnosis
        What the rules of diagnosis found, if anything.
    checkout
        The repository's files.
    max_tokens
        Counted at 4 bytes a token. Sections that do not fit are left out and named at the end.

    """
    files = read_tree(checkout, max_file_bytes=MAX_SOURCE_BYTES, fit=True)
    by_id = {trace.trace_id: trace for trace in traces}
    sections = {
        "failure mode": _summary(mode, failures),
        "diagnosis": _diagnosis(diagnosis),
        "recorded runs": _runs(traces, healthy),
        "messages": _messages(failures),
        "places in the code": _places(diagnosis, locations(failures, by_id, files), files),
        "spans": "\n\n".join(_neighbourhood(failure, by_id) for failure in _exemplars(mode, failures, by_id)),
        "mentions": _mentions(mode, files),
        "files": _file_list(files),
    }
    return _within(sections, max_tokens * BYTES_PER_TOKEN)


def locations(
    failures: Iterable[Failure], traces: Mapping[str, Trace], files: Iterable[str]
) -> list[tuple[Location, int]]:
    """Return the lines of the repository that the failing spans name, most often named first, with the counts.

    Of lines that are named as often, the innermost frame comes first.
    """
    known = sorted(files, key=len, reverse=True)
    counts: Counter[Location] = Counter()
    for failure in failures:
        span = _span(failure, traces)
        named = reversed(list(_named(span))) if span else ()
        counts.update(dict.fromkeys(place for path, line in named if (place := _placed(path, line, known))).keys())
    return counts.most_common()


def _named(span: Span) -> Iterator[tuple[str, int]]:
    """Yield the files and lines that a span names, in its code attributes and in its stack trace."""
    if place := semconv.code_location(span):
        yield place
    raised = semconv.exception(span)
    for path, line in FRAME.findall(raised.stacktrace or "" if raised else ""):
        yield path, int(line)


def _placed(path: str, line: int, known: Sequence[str]) -> Location | None:
    """Match what a trace calls a path against the files that are there; it never becomes a path by itself."""
    path = path.replace("\\", "/")
    match = next((name for name in known if path == name or path.endswith("/" + name)), None)
    return Location(path=match, line=line) if match else None


def _summary(mode: FailureMode, failures: Sequence[Failure]) -> str:
    reasons = Counter(failure.reason for failure in failures)
    releases = Counter(failure.release or "unknown" for failure in failures)
    seen = f"from {mode.first_seen:%Y-%m-%d %H:%M} to {mode.last_seen:%Y-%m-%d %H:%M} UTC"
    return "\n".join(
        [
            f"Failure mode {mode.id}: {one_line(mode.title, 200)}",
            f"Seen by the detector {one_line(mode.detector, 80)!r}; what failed: {one_line(mode.key, 200)}",
            f"{mode.n_traces} traces, {mode.n_sessions} sessions, {mode.n_users} users, {seen}",
            "Releases: " + ", ".join(f"{one_line(name, 60)} ({n})" for name, n in releases.most_common(5)),
            *(f"{n} times: {one_line(reason, SHORT)}" for reason, n in reasons.most_common(MESSAGES)),
        ]
    )


def _diagnosis(diagnosis: Diagnosis | None) -> str:
    if diagnosis is None:
        return "None yet: find the cause yourself."
    place = diagnosis.location
    where = f" at {place.path}:{place.line}" if place else ""
    return f"A first guess, to be checked: {one_line(diagnosis.cause, 600)} (layer: {diagnosis.layer}{where})"


def _runs(traces: Sequence[Trace], healthy: Sequence[Trace]) -> str:
    """Name the raw traces as `read_trace` takes them; those healthy ones first that used the same tools."""
    used = {tool for trace in traces for tool in tools_of(trace)}
    alike = sorted(healthy, key=lambda trace: -len(used & tools_of(trace)))
    return "\n".join(["Read them with read_trace.", *_named_runs("failing", traces), *_named_runs("healthy", alike)])


def _named_runs(kind: str, traces: Sequence[Trace]) -> list[str]:
    lines = [f"{kind}: {run_line(trace)}" for trace in traces[:LISTED_TRACES]]
    more = len(traces) - len(lines)
    return [*lines, *([f"({more} more {kind} runs; see list_traces)"] if more else [])]


def run_line(trace: Trace) -> str:
    """Return the name of a recorded run, when it began, its size and the tools that it used."""
    tools = ", ".join(one_line(tool, 60) for tool in sorted(tools_of(trace))) or "none"
    began = f"{min(span.start for span in trace.spans):%Y-%m-%dT%H:%M:%S.%fZ}"
    return f"{one_line(trace.trace_id, 80)} ({len(trace.spans)} spans, began {began}, tools: {one_line(tools, SHORT)})"


def _messages(failures: Sequence[Failure]) -> str:
    counts = Counter(one_line(failure.message, SHORT) for failure in failures if failure.message.strip())
    lines = [f"{n} times: {message}" for message, n in counts.most_common(MESSAGES)]
    return fenced("\n".join(lines), "the failing spans") if lines else ""


def _exemplars(mode: FailureMode, failures: Sequence[Failure], traces: Mapping[str, Trace]) -> list[Failure]:
    """Return the failures nearest to the mode's centre that can be shown, at most one a trace."""
    rank = {exemplar: index for index, exemplar in enumerate(mode.exemplars)}
    ordered = sorted(failures, key=lambda failure: rank.get((failure.trace_id, failure.span_id), len(rank)))
    shown = {failure.trace_id: failure for failure in reversed(ordered) if _span(failure, traces)}
    return [failure for failure in ordered if shown.get(failure.trace_id) is failure][:EXEMPLARS]


def _neighbourhood(failure: Failure, traces: Mapping[str, Trace]) -> str:
    spans = traces[failure.trace_id].spans
    at = next(index for index, span in enumerate(spans) if span.span_id == failure.span_id)
    near = spans[max(at - SPANS_BEFORE, 0) : at + SPANS_AFTER + 1]
    lines = [span_line(span, LONG if span.span_id == failure.span_id else SHORT) for span in near]
    return fenced("\n".join(lines), f"trace {failure.trace_id}, around the failing span {failure.span_id}")


def _places(diagnosis: Diagnosis | None, named: Sequence[tuple[Location, int]], files: Mapping[str, bytes]) -> str:
    guess = [(diagnosis.location, "diagnosis")] if diagnosis and diagnosis.location else []
    places = guess + [(place, f"named by {n} failing spans") for place, n in named if (place, "diagnosis") not in guess]
    told = [(place, why) for place, why in _apart(places) if place.path in files]
    return "\n\n".join(_excerpt(place, why, files) for place, why in told[:LOCATIONS])


def _apart(places: Sequence[tuple[Location, str]]) -> list[tuple[Location, str]]:
    """Leave out the places that the excerpt of an earlier one shows already."""
    kept: list[tuple[Location, str]] = []
    for place, why in places:
        if not any(place.path == other.path and abs(place.line - other.line) <= LINES_AROUND for other, _ in kept):
            kept.append((place, why))
    return kept


def _excerpt(place: Location, why: str, files: Mapping[str, bytes]) -> str:
    lines = files[place.path].decode(errors="replace").split("\n")
    first = max(place.line - LINES_AROUND, 1)
    shown = lines[first - 1 : place.line + LINES_AROUND]
    text = "\n".join(f"{number:5}  {line[:SHORT]}" for number, line in enumerate(shown, start=first))
    return f"{place.path}:{place.line} ({why})\n" + fenced(text, "the repository")


def _mentions(mode: FailureMode, files: Mapping[str, bytes]) -> str:
    """Show where the repository speaks of what failed: a tool, an exception, a rule."""
    word = mode.key.encode()
    if len(word) < len("tool"):
        return ""
    found = (
        f"{path}:{number}: {line.decode(errors='replace').strip()[:SHORT]}"
        for path, content in sorted(files.items())
        if word in content
        for number, line in enumerate(content.split(b"\n"), start=1)
        if word in line
    )
    lines = [line for line, _ in zip(found, range(MENTIONS), strict=False)]
    return fenced("\n".join(lines), "the repository") if lines else ""


def _file_list(files: Mapping[str, bytes]) -> str:
    paths = sorted(files)
    more = [f"({len(paths) - LISTED_FILES} more; list_files)"] if len(paths) > LISTED_FILES else []
    return "\n".join([*(one_line(path, 240) for path in paths[:LISTED_FILES]), *more])


def _within(sections: Mapping[str, str], limit: int) -> str:
    kept, left_out, used = [], [], 0
    for title, text in sections.items():
        section = f"## {title.capitalize()}\n\n{text}\n"
        size = len(section.encode())
        if text and used + size <= limit:
            kept.append(section)
            used += size
        elif text:
            left_out.append(title)
    return "\n".join([*kept, *([f"(Left out for length: {', '.join(left_out)}.)"] if left_out else [])])


def _span(failure: Failure, traces: Mapping[str, Trace]) -> Span | None:
    trace = traces.get(failure.trace_id)
    return trace.span(failure.span_id) if trace else None
