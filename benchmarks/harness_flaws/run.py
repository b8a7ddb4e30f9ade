"""Count the seeded flaws that the product mends, and what it breaks.

    python -m benchmarks.harness_flaws.run --column recipes --json FILE
    python -m benchmarks.harness_flaws.run --column agent --record DIR --only desk-receipt-rule --json FILE
    python -m benchmarks.harness_flaws.run --column agent --replay DIR --json FILE

See README.md beside this file.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness_flaws.flaw import Flaw, all_flaws
from benchmarks.harness_flaws.measure import Column, Report, measure
from benchmarks.harness_flaws.recording import Recorder
from clustering.embed import MiniLM
from fixers.model import Model
from fixers.sandbox import find_sandbox
from tests.recorded_model import RecordedModel

TRAFFIC = "traffic"


def main() -> int:
    """Run the cases of a column and write what came of them."""
    options = _options()
    sandbox, encoder, column = find_sandbox(), MiniLM(), Column(options.column)

    def one(flaw: Flaw) -> Report:
        model = None if column is Column.RECIPES else _model(flaw, options)
        traffic = _traffic(flaw, options.record or options.replay)
        report = measure(
            flaw,
            column,
            encoder=encoder,
            sandbox=sandbox,
            model=model,
            traffic=traffic,
            keep_traffic=None if traffic or not options.record else options.record / TRAFFIC,
        )
        print(_line(report), *(_drift(model) if isinstance(model, RecordedModel) else ()), flush=True)
        return report

    reports: list[Report] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for done in as_completed([pool.submit(one, flaw) for flaw in _chosen(options)]):
            reports.append(done.result())
            reports.sort(key=lambda report: report.id)
            if options.json:
                options.json.write_text(json.dumps(_merged(options.json, column, reports), indent=1) + "\n")
    print(json.dumps(summary(reports)))
    return 0


def summary(reports: Sequence[Report]) -> dict[str, int]:
    """Return the four figures of a column."""
    return {
        "cases": len(reports),
        "solved": sum(each.solved for each in reports),
        "wrong": sum(each.wrong for each in reports),
        "regressions": sum(each.regression for each in reports),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="flaws by name; all by default")
    parser.add_argument("--column", choices=list(Column), default=Column.RECIPES)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="written after each case; other columns in it are kept"
    )
    parser.add_argument("--record", type=Path, metavar="DIR", help="ask OPENAI_BASE_URL and keep what is said, by flaw")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="answer from what --record kept")
    parser.add_argument("--jobs", type=int, default=1, help="cases at a time; while a model is recorded, most wait")
    options = parser.parse_args()
    if options.column != Column.RECIPES and bool(options.record) == bool(options.replay):
        parser.error(f"the column {options.column} needs either --record or --replay")
    return options


def _chosen(options: argparse.Namespace) -> list[Flaw]:
    """Return the flaws to try, in the order given: with recordings, no others than those that are recorded."""
    flaws = {flaw.id: flaw for flaw in all_flaws()}
    if unknown := set(options.only) - set(flaws):
        sys.exit(f"there is no flaw {', '.join(sorted(unknown))}; there are {', '.join(flaws)}")
    chosen = [flaws[name] for name in options.only or list(flaws)]
    return [flaw for flaw in chosen if not options.replay or _exchange(flaw, options.replay, options.column)]


def _model(flaw: Flaw, options: argparse.Namespace) -> Model:
    if exchange := options.replay and _exchange(flaw, options.replay, options.column):
        return RecordedModel(exchange, in_order=True)
    file = options.record / options.column / f"{flaw.id}.jsonl"
    return Recorder.to_endpoint(file, model=os.environ.get("TRACEWRIGHT_MODEL", "model"))


def _exchange(flaw: Flaw, folder: Path, column: str) -> Path | None:
    """Return the recorded exchange about a flaw, if there is one."""
    return next(iter(sorted((folder / column).glob(f"{flaw.id}.jsonl*"))), None)


def _traffic(flaw: Flaw, folder: Path | None) -> Path | None:
    """Return the traffic that a recorded exchange is about, if it was kept."""
    return next(iter(sorted((folder / TRAFFIC).glob(f"{flaw.id}.*"))), None) if folder else None


def _drift(model: RecordedModel) -> list[str]:
    """Say how far the requests are still those that were recorded."""
    return [f" ({len(model.drifted)} of {model.used.total()} replies to a request that has changed since)"]


def _merged(file: Path, column: Column, reports: Sequence[Report]) -> dict[str, object]:
    """Return the columns of the file, this one renewed."""
    known = json.loads(file.read_text()) if file.exists() else {}
    details = [{**asdict(each), "solved": each.solved, "wrong": each.wrong} for each in reports]
    return {**known, str(column): {**summary(reports), "details": details}}


def _line(report: Report) -> str:
    came = "solved" if report.solved else "WRONG" if report.wrong else "REGRESSES" if report.regression else "-"
    found = f"layer {'yes' if report.layer_right else 'no':3} file {'yes' if report.file_right else 'no':3}"
    why = "; ".join(f"[{mode}] {verdict}" for mode, verdict in report.verdicts.items()) or "no failure mode"
    return f"{report.id:32} {came:9} {found} {report.seconds:6.1f} s {report.tokens:7d} tokens  {why}"


if __name__ == "__main__":
    sys.exit(main())
