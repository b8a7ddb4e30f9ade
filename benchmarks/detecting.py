"""Measure how well the detectors tell failed runs from others, and how near the anchors come, without any model.

    python benchmarks/detecting.py --traces FILE… [--json FILE] [--policies FILE]

Files as `benchmarks/labelled_runs.py` reads them; without --traces, those of the folder that TRACEWRIGHT_LABELLED
names. A run counts as flagged when a detector saw anything. Printed for each file and domain: recall and precision of
"this run failed", beside the guesses that all runs or none failed; how often each detector spoke, and was right; where
steps are labelled, how near the anchor of "this run failed" comes: exactly, within 1, within 5, beside constant
guesses. Steps count from 0, or from 1 in a file of --one-based. For a sample of the runs that are recorded in
`benchmarks/judge_recording`, or whatever model OPENAI_BASE_URL names: the same with a judge, alone and beside the
detectors. --policies is a configuration as users write it, of one agent: what its rules add is printed as well.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.judging import judge_runs, sampled
from benchmarks.labelled_runs import LabelledRun, UnreadableRun, read_runs
from clustering.anchor import anchor
from clustering.detect import detect
from clustering.detectors.broken_policies import BrokenPolicies
from clustering.failure_at import failure_at
from clustering.judgement import Verdict
from clustering.outliers import outliers
from clustering.rule import Rule
from fixers.harness import read_harnesses

WITHIN = {"exact": 0, "within_1": 1, "within_5": 5}
FOLDER = "TRACEWRIGHT_LABELLED"


def main() -> None:
    """Print one table per file and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--traces", type=Path, nargs="+", default=())
    parser.add_argument("--json", type=Path)
    parser.add_argument("--policies", type=Path, default=Path(__file__).with_name("customer_service.yml"))
    parser.add_argument("--one-based", nargs="*", default=["agentrx"], help="files whose steps count from 1")
    arguments = parser.parse_args()
    rules = read_harnesses(arguments.policies.read_text("utf-8"))[0].policies
    try:
        read = {path.name.partition(".")[0]: list(read_runs(path)) for path in arguments.traces or _files()}
    except (UnreadableRun, OSError) as error:
        parser.error(str(error))
    found = {}
    for name, runs in read.items():
        found[name] = measured(runs) | {
            "anchor": anchors(runs, first_step=int(name in arguments.one_based)),
            "policies": with_rules(runs, rules),
            "judge": judged(runs),
        }
    for name, figures in found.items():
        _print(name, figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


def measured(runs: Sequence[LabelledRun]) -> dict[str, Any]:
    """Return the figures of one file: by domain, by detector, and the seconds it took."""
    began = time.perf_counter()
    seen = _seen(runs)
    seconds = time.perf_counter() - began
    domains = sorted({run.domain for run in runs})
    rows = {domain: [i for i, run in enumerate(runs) if run.domain == domain] for domain in domains}
    return {
        "domains": {
            domain: _scores([runs[i].failed for i in rows[domain]], [bool(seen[i]) for i in rows[domain]])
            for domain in domains
        },
        "detectors": _by_detector(runs, seen),
        "seconds": round(seconds, 2),
    }


def with_rules(runs: Sequence[LabelledRun], rules: Sequence[Rule]) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each domain in which a rule was broken, how right the rules are alone and beside the detectors."""
    broken = [bool(list(BrokenPolicies(rules=rules)(run.trace))) for run in runs]
    either = [is_broken or bool(seen) for is_broken, seen in zip(broken, _seen(runs), strict=True)]
    domains = sorted({run.domain for run, is_broken in zip(runs, broken, strict=True) if is_broken})
    rows = {domain: [i for i, run in enumerate(runs) if run.domain == domain] for domain in domains}
    return {
        domain: {
            who: _scores([runs[i].failed for i in rows[domain]], [flagged[i] for i in rows[domain]])
            for who, flagged in {"rules": broken, "with rules": either}.items()
        }
        for domain in domains
    }


def judged(runs: Sequence[LabelledRun]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the figures of a sample by domain: the judge's, the detectors' and of both together; empty without one."""
    sample = sampled(runs)
    answers = judge_runs(sample)
    told = [run for run in sample if run.id in answers]
    by_judge = [answers[run.id].verdict is Verdict.FAILED for run in told]
    by_us = [bool(detect(run.trace)) for run in told]
    flags = {"judge": by_judge, "detectors": by_us, "both": [a or b for a, b in zip(by_judge, by_us, strict=True)]}
    rows = {
        domain: [i for i, run in enumerate(told) if run.domain == domain] for domain in {run.domain for run in told}
    }
    return {
        domain: {
            who: _scores([told[i].failed for i in rows[domain]], [flagged[i] for i in rows[domain]])
            for who, flagged in flags.items()
        }
        for domain in sorted(rows)
    }


def anchors(runs: Sequence[LabelledRun], *, first_step: int) -> dict[str, dict[str, float]]:
    """Return how near the anchor of "this run failed" comes to the labelled step, and how near constant guesses do."""
    near: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        if run.failed and run.step is not None:
            guesses = {"ours": _anchored(run), "first": 0, "middle": run.n_steps // 2, "last": run.n_steps - 1}
            for name, guess in guesses.items():
                near[name].append(abs(guess - (run.step - first_step)))
    return {
        name: {"n": len(far)} | {key: round(sum(d <= k for d in far) / len(far), 3) for key, k in WITHIN.items()}
        for name, far in near.items()
    }


def _anchored(run: LabelledRun) -> int:
    root = run.trace.root
    failed = failure_at(run.trace, root, detector="negative_feedback", key="outcome", message="", reason="It failed.")
    return run.step_of[anchor(run.trace, failed).explained]


def _files() -> list[Path]:
    folder = os.environ.get(FOLDER)
    files = sorted(Path(folder).glob("*.jsonl.gz")) if folder else []
    labelled = [path for path in files if path.name.partition(".")[0] in {"tau_bench", "tau2", "agentrx", "whowhen"}]
    if not labelled:
        sys.exit(f"--traces, or {FOLDER} with a folder of labelled traces, is needed")
    return labelled


def _seen(runs: Sequence[LabelledRun]) -> list[set[str]]:
    """Return which detectors saw something in each run, those that compare it with its domain too."""
    domain_of = {run.trace.trace_id: run.domain for run in runs}
    population = outliers([run.trace for run in runs], intent_of=lambda trace: domain_of[trace.trace_id])
    far_above = {failure.trace_id for failure in population}
    return [
        {failure.detector for failure in detect(run.trace)}
        | ({"outlier"} if run.trace.trace_id in far_above else set())
        for run in runs
    ]


def _scores(failed: Sequence[bool], flagged: Sequence[bool]) -> dict[str, float]:
    """Return recall and precision of the flags; guessing that all failed has recall 1, that none did recall 0."""
    hits = sum(a and b for a, b in zip(failed, flagged, strict=True))
    recall = hits / sum(failed) if any(failed) else 0.0
    precision = hits / sum(flagged) if any(flagged) else 0.0
    share = sum(failed) / len(failed)
    return {
        "runs": len(failed),
        "failed": sum(failed),
        "flagged": sum(flagged),
        "recall": round(recall, 3),
        "precision": round(precision, 3),
        "f1": round(_f1(recall, precision), 3),
        "all_fail_recall": 1.0,
        "all_fail_precision": round(share, 3),
        "all_fail_f1": round(_f1(1.0, share), 3),
        "none_fail_recall": 0.0,
    }


def _f1(recall: float, precision: float) -> float:
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def _by_detector(runs: Sequence[LabelledRun], seen: Sequence[set[str]]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for run, detectors in zip(runs, seen, strict=True):
        for detector in detectors:
            counts[detector]["runs"] += 1
            counts[detector]["failed"] += run.failed
    return {detector: dict(counts[detector]) for detector in sorted(counts)}


def _print(name: str, figures: dict[str, Any]) -> None:
    print(f"\n{name} ({figures['seconds']} s)")
    print(
        f"{'domain':<24}{'runs':>6}{'failed':>8}{'flagged':>9}{'recall':>8}{'precision':>11}{'F1':>6}{'all fail':>10}"
    )
    for domain, row in figures["domains"].items():
        print(
            f"{domain:<24}{row['runs']:>6}{row['failed']:>8}{row['flagged']:>9}{row['recall']:>8.2f}"
            f"{row['precision']:>11.2f}{row['f1']:>6.2f}{row['all_fail_precision']:>10.2f}"
        )
    for detector, row in figures["detectors"].items():
        print(f"  {detector:<24}{row['runs']:>6} runs, {row['failed']} of them failed")
    for domain, whose in (*figures["policies"].items(), *figures["judge"].items()):
        for who, row in whose.items():
            print(
                f"  {who:<10} on {row['runs']} of {domain}: recall {row['recall']:.2f},"
                f" precision {row['precision']:.2f}, F1 {row['f1']:.2f}, all fail {row['all_fail_f1']:.2f}"
            )
    for guess, row in figures["anchor"].items():
        print(f"  anchor, {guess:<7} of {row['n']}: " + ", ".join(f"{key} {row[key]:.2f}" for key in WITHIN))


if __name__ == "__main__":
    main()
