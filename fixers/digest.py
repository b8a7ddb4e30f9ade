"""Tell a failure mode in a few pages: counts, quoted spans, places in the code, and the names of the raw traces."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.alike import alike
from fixers.archive import Attempt, told
from fixers.cases import tools_of
from fixers.code_index import CodeIndex
from fixers.diagnosis import Diagnosis
from fixers.digest_code import excerpts, file_list, mentions, source, tests
from fixers.link import Candidate, link
from fixers.quoting import fenced, one_line
from fixers.span_text import span_line
from webhooks.trace import Span, Trace

BYTES_PER_TOKEN = 4
EXEMPLARS = 2
SPANS_BEFORE = 12
SPANS_AFTER = 4
SHORT = 300  # characters of a neighbouring span
LONG = 1_500  # characters of the failing one
MESSAGES = 5
LISTED_TRACES = 10  # of each kind
#: Bytes that one part may take of the whole.
SHARES = {"spans": 0.3, "a healthy run": 0.12, "candidates": 0.3, "tests": 0.15, "files": 0.15}


def digest(
    mode: FailureMode,
    *,
    failures: Sequence[Failure],
    traces: Sequence[Trace],
    healthy: Sequence[Trace],
    diagnosis: Diagnosis | None,
    index: CodeIndex,
    attempts: Sequence[Attempt] = (),
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
    index
        The repository.
    attempts
        What was tried on the failure mode before, oldest first.
    max_tokens
        Counted at 4 bytes a token. Sections that do not fit are cut or left out, and named at the end; what is left of
        the space goes to whole source files, the most telling first.

    """
    by_id = {trace.trace_id: trace for trace in traces}
    near = alike(traces, healthy)
    candidates = link(failures, by_id, index, layer=diagnosis.layer if diagnosis else None, healthy=healthy)
    limit = max_tokens * BYTES_PER_TOKEN
    sections = {
        "failure mode": _summary(mode, failures),
        "attempts before this one": told(attempts),
        "diagnosis": _diagnosis(diagnosis),
        "recorded runs": _runs(traces, near),
        "messages": _messages(failures),
        "spans": _fitting(_neighbourhoods(mode, failures, by_id), limit * SHARES["spans"]),
        "a healthy run": _fitting(map(_healthy_run, near[:1]), limit * SHARES["a healthy run"]),
        "candidates": _fitting(excerpts(diagnosis, candidates, index), limit * SHARES["candidates"]),
        "mentions": mentions(mode.key, index),
        "tests": _fitting(tests(_paths(diagnosis, candidates), index), limit * SHARES["tests"]),
        "files": _fitting(file_list(index), limit * SHARES["files"], joined="\n"),
    }
    words = [mode.key, *(tool for trace in traces[:EXEMPLARS] for tool in tools_of(trace))]
    return _within(sections, limit, source(_paths(diagnosis, candidates), index, words=words))


def _paths(diagnosis: Diagnosis | None, candidates: Sequence[Candidate]) -> list[str]:
    """Return the files that may hold the cause, the likeliest first."""
    guess = [diagnosis.location.path] if diagnosis and diagnosis.location else []
    return list(dict.fromkeys([*guess, *(each.place.path for each in candidates)]))


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


def _runs(traces: Sequence[Trace], near: Sequence[Trace]) -> str:
    """Name the raw traces as `read_trace` takes them; those healthy ones first that are most like the failing ones."""
    return "\n".join(["Read them with read_trace.", *_named_runs("failing", traces), *_named_runs("healthy", near)])


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


def _neighbourhoods(mode: FailureMode, failures: Sequence[Failure], traces: Mapping[str, Trace]) -> Iterator[str]:
    return (_neighbourhood(failure, traces) for failure in _exemplars(mode, failures, traces))


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


def _healthy_run(trace: Trace) -> str:
    lines = [span_line(span, SHORT) for span in trace.spans[: SPANS_BEFORE + SPANS_AFTER]]
    return fenced("\n".join(lines), f"trace {trace.trace_id}, in which nothing failed")


def _fitting(parts: Iterator[str] | Sequence[str], limit: float, *, joined: str = "\n\n") -> str:
    """Join the first parts that fit together; the first one is there in any case."""
    kept: list[str] = []
    used = 0
    for part in parts:
        used += len(part.encode()) + len(joined)
        if kept and used > limit:
            break
        kept.append(part)
    return joined.join(kept)


def _within(sections: Mapping[str, str], limit: int, files: Iterator[tuple[str, str]]) -> str:
    """Keep the sections that fit, then whole files that nothing has shown yet."""
    kept, left_out, used = [], [], 0
    for title, text in sections.items():
        section = f"## {title.capitalize()}\n\n{text}\n"
        size = len(section.encode())
        if text and used + size <= limit:
            kept.append(section)
            used += size
        elif text:
            left_out.append(title)
    whole = []
    for path, text in files:
        section = f"### {path}, whole\n\n{text}\n"
        if used + len(section.encode()) <= limit:
            whole.append(section)
            used += len(section.encode())
    return "\n".join([*kept, *whole, *([f"(Left out for length: {', '.join(left_out)}.)"] if left_out else [])])


def _span(failure: Failure, traces: Mapping[str, Trace]) -> Span | None:
    trace = traces.get(failure.trace_id)
    return trace.span(failure.span_id) if trace else None
