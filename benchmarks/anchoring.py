"""How often the diagnosis names the right file of a large repository, without a model; and its seconds and memory.

    python -m benchmarks.anchoring FOLDER [--json FILE]

FOLDER holds one folder a case: `repo/` with a flaw in it, `traces.jsonl` of failing and healthy runs (any dialect that
`tracewright ingest` takes, the failing ones marked), and `truth.json` with the flaw's `path`. Cases are made of
packages of others, so none is here.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.assemble import LOCAL
from bot.ingest import ingest
from bot.marks import mark_of
from bot.redaction import build_redaction
from bot.settings import Settings
from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.detect import detect
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.code_index import CodeIndex
from fixers.diagnose import diagnose
from fixers.link import link
from webhooks.trace import Trace

#: Detectors that tell of a symptom; any other that saw as many runs says more.
SYMPTOMS = ("tool_error", "negative_feedback")
LIMIT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the diagnosis of one case came to."""

    case: str
    #: Place of the right file among those named, 1 for the first; None where it is not among them.
    rank: int | None
    seconds: float


def main() -> None:
    """Print one line a case, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = [measure(case) for case in sorted(options.folder.iterdir()) if (case / "truth.json").is_file()]
    for each in found:
        print(f"{each.case:12} rank {each.rank or '-':>3}   {each.seconds:6.2f} s")
    result = summary(found)
    print(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


def measure(case: Path) -> Found:
    """Diagnose the failure that most failing runs of a case show."""
    traces = read_runs(case / "traces.jsonl")
    failing = [trace for trace in traces if mark_of(trace).failed]
    healthy = [trace for trace in traces if not mark_of(trace).failed]
    failures = commonest([failure for trace in failing for failure in detect(trace)])
    started = time.process_time()
    index, by_id = CodeIndex.of(case / "repo"), {trace.trace_id: trace for trace in failing}
    diagnosis = diagnose(_mode(failures), failures, by_id, index, healthy=healthy)
    candidates = link(failures, by_id, index, layer=diagnosis.layer, healthy=healthy)
    seconds = time.process_time() - started
    truth = json.loads((case / "truth.json").read_text())["path"]
    return Found(case=case.name, rank=rank(truth, [each.place.path for each in candidates]), seconds=seconds)


def commonest(failures: Sequence[Failure]) -> list[Failure]:
    """Return the failures of the kind that most runs show."""
    kinds: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        kinds.setdefault((failure.detector, failure.key), []).append(failure)
    runs = {kind: len({each.trace_id for each in members}) for kind, members in kinds.items()}
    return kinds[min(kinds, key=lambda kind: (-runs[kind], kind[0] in SYMPTOMS, kind))] if kinds else []


def rank(path: str, named: Sequence[str]) -> int | None:
    """Return the place of a file among the files that were named, each counted once."""
    files = list(dict.fromkeys(named))
    return files.index(path) + 1 if path in files else None


def summary(found: Sequence[Found]) -> dict[str, Any]:
    """Return how many right files came first, and among the first three; with the longest time and the peak memory."""
    ranks = [each.rank for each in found if each.rank]
    return {
        "cases": len(found),
        "first": sum(each == 1 for each in ranks),
        "first_three": sum(each <= 3 for each in ranks),  # noqa: PLR2004
        "slowest_s": round(max((each.seconds for each in found), default=0.0), 2),
        "peak_mb": _peak_mb(),
    }


def read_runs(file: Path) -> list[Trace]:
    """Return the traces of a file."""
    with tempfile.TemporaryDirectory() as scratch:
        now = datetime.now(UTC)
        store = Store(open_engine(f"sqlite:///{scratch}/traces.db"), now=lambda: now)
        redaction = build_redaction(Settings(data=Path(scratch)))
        ingest(store, LOCAL, file, redaction=redaction, received_at=now, on_progress=lambda *_: None)
        known = store.traces_to_examine(LOCAL, quiet_s=0, limit=LIMIT)
        traces = list(store.load_traces(LOCAL, known).values())
        store.close()
    return traces


def _mode(failures: Sequence[Failure]) -> FailureMode:
    moments = [each.occurred_at for each in failures] or [datetime.now(UTC)]
    return FailureMode(
        id="case", title="", status=Status.NEW, detector=failures[0].detector if failures else "",
        key=failures[0].key if failures else "", centroid=np.zeros(1, np.float32), exemplars=(),
        n_traces=len(failures), n_sessions=0, n_users=0, first_seen=min(moments), last_seen=max(moments),
    )  # fmt: skip


def _peak_mb() -> int:
    peak = next(
        (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")), "0 0"
    )
    return int(peak.split()[1]) // 1024


if __name__ == "__main__":
    main()
