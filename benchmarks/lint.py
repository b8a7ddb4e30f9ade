"""What the lint of bad edits finds in flawed edits that people labelled, by kind, and in prompts that nobody labelled.

    python -m benchmarks.lint FLAWS.json [--json FILE]

FLAWS.json is a list of objects with `error_type` and `where_error`, the flawed text, as SHOR (arXiv 2605.22505) has it.
The set has no failing runs and no sound edits: values copied from traces cannot be found in it, and false alarms are
counted on our own prompts, line by line, instead.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from fixers.lint import Kind, lint
from fixers.proposal import Edit

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flaws", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result = measure(json.loads(options.flaws.read_text()))
    for kind, row in result["by_label"].items():
        print(f"{kind[:44]:44} {row['found']:4} of {row['n']:4}   {row['kinds']}")
    print(f"our own prompts: {result['own_flagged']} of {result['own_lines']} lines flagged")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


def measure(flaws: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many flawed texts are found by label, and how many of our own lines are."""
    by_label: dict[str, dict[str, Any]] = {}
    for flaw in flaws:
        row = by_label.setdefault(str(flaw["error_type"]), {"n": 0, "found": 0, "kinds": Counter()})
        kinds = found_in(str(flaw["where_error"]))
        row["n"] += 1
        row["found"] += bool(kinds)
        row["kinds"].update(kind.value for kind in kinds)
    lines = [line for path in ROOT.glob("examples/**/*.md") for line in path.read_text().splitlines() if line.strip()]
    flagged = [line for line in lines if found_in(line)]
    return {"by_label": by_label, "own_lines": len(lines), "own_flagged": len(flagged)}


def found_in(text: str) -> set[Kind]:
    """Return the kinds that are found in a text added to a prompt."""
    edit = Edit(path="prompt.md", before="You are an agent.\n", after=f"You are an agent.\n{text}\n")
    return {finding.kind for finding in lint([edit], files={}, failing=())}


if __name__ == "__main__":
    main()
