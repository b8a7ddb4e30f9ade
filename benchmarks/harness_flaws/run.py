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
from dataclasses import asdict
from pathlib import Path

from benchmarks.harness_flaws.flaw import Flaw, all_flaws
from benchmarks.harness_flaws.measure import Column, Report, measure
from benchmarks.harness_flaws.recording import Recorder
from clustering.embed import MiniLM
from fixers.model import Model
from fixers.sandbox import find_sandbox
from tests.recorded_model import RecordedModel


def main() -> int:
    """Run the cases of a column and write what came of them."""
    options = _options()
    sandbox, encoder, column = find_sandbox(), MiniLM(), Column(options.column)
    reports: list[Report] = []
    for flaw in _chosen(options.only, options.replay):
        model = None if column is Column.RECIPES else _model(flaw, options)
        reports.append(measure(flaw, column, encoder=encoder, sandbox=sandbox, model=model))
        print(_line(reports[-1]), flush=True)
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
    options = parser.parse_args()
    if options.column != Column.RECIPES and bool(options.record) == bool(options.replay):
        parser.error(f"the column {options.column} needs either --record or --replay")
    return options


def _chosen(only: Sequence[str], recordings: Path | None) -> list[Flaw]:
    """Return the flaws to try: those that are named; with recordings, no others than those that are recorded."""
    flaws = {flaw.id: flaw for flaw in all_flaws()}
    if unknown := set(only) - set(flaws):
        sys.exit(f"there is no flaw {', '.join(sorted(unknown))}; there are {', '.join(flaws)}")
    names = only or list(flaws)
    return [flaws[name] for name in names if recordings is None or (recordings / name).is_dir()]


def _model(flaw: Flaw, options: argparse.Namespace) -> Model:
    if options.replay:
        return RecordedModel(options.replay / flaw.id)
    return Recorder.to_endpoint(options.record / flaw.id, model=os.environ.get("TRACEWRIGHT_MODEL", "model"))


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
