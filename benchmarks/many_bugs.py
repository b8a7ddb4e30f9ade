"""Several bugs in one service, and bugs that show in several ways: traces of five harnesses whose bugs are known.

The harnesses are those of `benchmarks.harness_flaws` and the example's agent. Each serves its users against a scripted
provider, and its own telemetry tells what happened. A case is one service with several of its bugs at work at once:
all of them, those that leave an error behind, and those that nothing but people's words or the run's shape show.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics.cluster import pair_confusion_matrix

from benchmarks.harness_flaws.flaw import Flaw, all_flaws, check_out
from benchmarks.harness_flaws.traffic import N_FAILING, SEED, Intake, serve, visits_of
from examples import traffic
from examples.shop_provider.server import Server
from webhooks import otlp, semconv
from webhooks.trace import Span, Trace

EXAMPLE = "support_agent"
#: What goes wrong for the example's customers, by the kind of conversation that meets it: a bug each.
EXAMPLE_BUGS = (
    "long_conversation",
    "malformed_arguments",
    "many_orders",
    "my_last_order",
    "rate_limited",
    "refund_in_own_words",
    "refund_without_check",
    "two_orders",
)
#: Bugs of the example that leave an error behind; the others are silent.
EXAMPLE_LOUD = frozenset({"long_conversation", "malformed_arguments", "rate_limited", "refund_in_own_words"})
SILENT, LOUD, ALL = "silent", "loud", "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buggy:
    """A trace of a conversation that met a bug."""

    service: str
    bug: str
    silent: bool
    trace: Trace


def cases(work: Path) -> Iterator[tuple[str, list[Buggy]]]:
    """Yield each case with its traces; what was recorded in the folder before is not recorded again."""
    of_service: dict[str, list[Buggy]] = {EXAMPLE: list(_example(work / EXAMPLE))}
    for flaw in all_flaws():
        of_service.setdefault(flaw.harness, []).extend(_harness(flaw, work / flaw.id))
    for service, traces in of_service.items():
        for which in (ALL, LOUD, SILENT):
            yield f"{service}, {which}", [each for each in traces if which in {ALL, SILENT if each.silent else LOUD}]


def pair_scores(bugs: Sequence[str], groups: Sequence[object]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of pairs put together."""
    (_, false), (missed, true) = pair_confusion_matrix(bugs, groups)
    precision, recall = true / max(1, true + false), true / max(1, true + missed)
    return float(precision), float(recall), float(2 * true / max(1, 2 * true + false + missed))


def _harness(flaw: Flaw, folder: Path) -> Iterator[Buggy]:
    if not folder.exists():
        folder.mkdir(parents=True)
        serve(flaw, check_out(flaw.harness, folder / "checkout", flaw=flaw), visits_of(flaw), folder=folder)
    failing = {visit.turns for visit in flaw.domain.visits(flaw.fails, n=N_FAILING, seed=SEED)}
    sessions = {f"s-{at:03d}" for at, visit in enumerate(visits_of(flaw), 1) if visit.turns in failing}
    for trace in _traces(_exported(folder)):
        if semconv.session_id(trace) in sessions:
            yield Buggy(service=flaw.harness, bug=flaw.id, silent=flaw.silent, trace=trace)


def _example(folder: Path) -> Iterator[Buggy]:
    visits = traffic.conversations()
    if not folder.exists():
        folder.mkdir(parents=True)
        with Intake() as intake, Server() as provider:
            traffic.run(visits, base_url=provider.base_url, otlp_endpoint=intake.url, key="none")
        intake.write(folder)
    bugs = {visit.session_id: visit.kind for visit in visits if visit.kind in EXAMPLE_BUGS}
    for trace in _traces(_exported(folder)):
        if bug := bugs.get(semconv.session_id(trace) or ""):
            yield Buggy(service=EXAMPLE, bug=bug, silent=bug not in EXAMPLE_LOUD, trace=trace)


def _exported(folder: Path) -> Iterator[Span]:
    for file in sorted(folder.glob("traces.*")):
        if file.suffix == ".pb":
            yield from otlp.decode(file.read_bytes(), "application/x-protobuf")
        else:
            for line in file.read_bytes().splitlines():
                yield from otlp.decode(line, "application/json")


def _traces(spans: Iterable[Span]) -> list[Trace]:
    of_trace: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        of_trace[span.trace_id].append(span)
    return [Trace.from_spans(each) for each in of_trace.values()]
