"""Measure how well failures are grouped, on traces that people or programs have labelled.

    python benchmarks/grouping.py --traces FILE… [--json FILE] [--failures N]

Each line of a FILE (JSON lines, gzip or not) is one run: {"id", "domain", "messages": [{"role", "content", "name"?,
"tool_calls"?}], "label": {"primary"} or null}. Runs without a label are healthy and left out. Printed for each file and
method: adjusted mutual information (AMI) and adjusted Rand index (ARI) with the label, precision of pairs, and AMI with
the domain: what grouped by subject instead of by failure scores high there. Then, on
generated failures, what moves when 20 % more data arrives, and what grouping N failures costs through the database, and
as many again. The full measure is --failures 1000000.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score
from sklearn.metrics.cluster import pair_confusion_matrix

from benchmarks.generated_failures import scale, stability
from clustering.describe import describe
from clustering.detect import detect
from clustering.detectors.negative_feedback import NegativeFeedback
from clustering.embed import MiniLM, embed
from clustering.failure import Failure
from clustering.group import group
from webhooks.trace import Span, Trace

START = datetime(2026, 1, 1, tzinfo=UTC)
Labels = npt.NDArray[np.intp]


def main() -> None:
    """Print one table per file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--traces", type=Path, nargs="+", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures")
    parser.add_argument("--failures", type=int, default=20_000, help="generated failures of the scale section")
    arguments = parser.parse_args()
    encoder = MiniLM(threads=arguments.threads)
    figures: dict[str, dict[str, float]] = {}
    for path in arguments.traces:
        runs = [run for run in _read(path) if run.get("label")]
        traces = [to_trace(run) for run in runs]
        failures = [detect(trace, [NegativeFeedback()])[0] for trace in traces]
        texts = [describe(failure, trace) for failure, trace in zip(failures, traces, strict=True)]
        vectors = embed(texts, encoder, {})
        labels = [run["label"]["primary"] for run in runs]
        print(f"\n{path.name}: {len(runs)} failures, {len(set(labels))} causes, {len(set(texts))} unique descriptions")
        print(f"{'method':<34}{'groups':>7}{'AMI':>7}{'ARI':>7}{'pairs':>7}{'domain':>8}")
        for name, method in methods(failures, texts, k=min(len(set(labels)), len(set(texts)))).items():
            print(_row(name, method(vectors), labels, [run["domain"] for run in runs]))
        ours = _ours(failures, texts, vectors)
        figures[path.name.partition(".")[0]] = {
            "ami": adjusted_mutual_info_score(labels, ours),
            "ami_domain": adjusted_mutual_info_score([run["domain"] for run in runs], ours),
        }
    figures["stability"] = stability(encoder)
    figures["scale"] = scale(encoder, n_failures=arguments.failures)
    for section in ("stability", "scale"):
        print(f"\n{section}: " + ", ".join(f"{key} {value:g}" for key, value in figures[section].items()))
    if arguments.json:
        rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in figures.items()}
        arguments.json.write_text(json.dumps(rounded, indent=1) + "\n")


def methods(
    failures: Sequence[Failure], texts: Sequence[str], *, k: int
) -> dict[str, Callable[[npt.NDArray[np.float32]], Labels]]:
    """Return what is compared; k-means is told how many groups to make, the others are not."""
    return {
        "ours": lambda vectors: _ours(failures, texts, vectors),
        f"k-means, k={k}": lambda vectors: KMeans(n_clusters=k, n_init=10, random_state=0).fit_predict(vectors),
        "HDBSCAN, noise as its own group": lambda vectors: HDBSCAN(min_cluster_size=5, copy=True).fit_predict(vectors),
    }


def to_trace(run: dict[str, Any]) -> Trace:
    """Build the trace that an instrumented agent would have sent of this run, with a thumbs-down at the end."""
    spans = [_span(run["id"], "root", "AGENT", 0, {"input.value": "{}"})]
    asked: list[dict[str, Any]] = []
    for i, message in enumerate(run["messages"]):
        if message["role"] == "tool":
            call = asked.pop(0) if asked else {}
            named = {"tool.name": message.get("name") or call.get("name", "")}
            given = {"input.value": json.dumps(call.get("arguments")), "output.value": message["content"]}
            spans.append(_span(run["id"], str(i), "TOOL", i, named | given))
        elif message["role"] == "assistant":
            asked = list(message.get("tool_calls") or ())
            spans.append(_span(run["id"], str(i), "LLM", i, {"llm.finish_reason": "tool_calls" if asked else "stop"}))
    rating = {"gen_ai.evaluation.name": "outcome", "gen_ai.evaluation.score.value": 0.0}
    spans.append(_span(run["id"], "rating", "CHAIN", len(run["messages"]), rating))
    return Trace.from_spans(spans)


def _span(trace_id: str, span_id: str, kind: str, second: int, attributes: dict[str, Any]) -> Span:
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None if span_id == "root" else "root",
        name=kind.lower(),
        start=START + timedelta(seconds=second),
        end=START + timedelta(seconds=second + 0.5),
        attributes=attributes | {"openinference.span.kind": kind},
    )


def _ours(failures: Sequence[Failure], texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> Labels:
    labels = np.empty(len(failures), dtype=np.intp)
    for number, cluster in enumerate(group(failures, texts, vectors)):
        labels[list(cluster.members)] = number
    return labels


def _row(name: str, found: Labels, labels: Sequence[str], domains: Sequence[str]) -> str:
    ami, domain = adjusted_mutual_info_score(labels, found), adjusted_mutual_info_score(domains, found)
    ari = adjusted_rand_score(labels, found)
    (_, false_pairs), (_, true_pairs) = pair_confusion_matrix(labels, found)
    precision = true_pairs / max(1, true_pairs + false_pairs)
    return f"{name:<34}{len(set(found)):>7}{ami:>7.2f}{ari:>7.2f}{precision:>7.2f}{domain:>8.2f}"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines():
        yield json.loads(line)


if __name__ == "__main__":
    main()
