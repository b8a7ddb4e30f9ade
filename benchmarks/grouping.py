"""Measure how well failures are grouped, beside BERTopic, Drain3, HDBSCAN and k-means on the same inputs.

    python benchmarks/grouping.py [--traces FILE…] [--json FILE] [--work FOLDER] [--failures N]

Each line of a FILE (JSON lines, gzip or not) is one run, as `benchmarks/labelled_runs.py` reads it: {"id", "domain",
"messages" or "spans", "label": a name, {"primary": a name} or null}. Without --traces, those of the folder that
TRACEWRIGHT_LABELLED names, else of `../shared/data`. Printed and written, null where there is too little to measure:

* for each file, under its name: adjusted mutual information (AMI) of the groups with the label, and with the domain,
  where what grouped by subject instead of by failure scores high; of each run the error that it did not get over, else
  a bad rating without words; of tau_bench, tau2 and agentrx, whose labels are not about errors, always the rating;
* errors: what tools answered when they failed, by cause; precision of pairs, and the share of texts that is embedded;
  by their own labels where a file's name begins so: of each line the error that its run did not get over, else what a
  tool answered last;
* wrote: only the runs that changed something;
* headlines: silent failures that a model was asked about, grouped by their own words and by its recorded headlines,
  against labels that name symptoms (tau-bench, tau2) and causes (AgentRx);
* many_bugs: several bugs in one service, F1 of pairs (`benchmarks/many_bugs.py`);
* stability: failures whose mode changes when 20 % more arrive, and modes that keep their id, over five seeds;
* scale: a million generated failures through the database, described, kept and grouped; a second million, and what
  comes in small parts after that.

The peers are given the same descriptions as ours, and once more, as "raw", the error as it came or the last six
messages of the run. A figure's spread is its standard deviation over twenty draws of four fifths of the failures, or
over the seeds.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from benchmarks.generated_failures import scale, stability
from benchmarks.grouping_peers import environment, peers
from benchmarks.grouping_sets import About, Labelled, error_messages, labelled_failures
from benchmarks.headlines import described_anew
from benchmarks.labelled_runs import UnreadableRun
from benchmarks.many_bugs import cases, pair_scores
from clustering.describe import describe, words_of
from clustering.detect import detect
from clustering.embed import Embeddings, Encoder, MiniLM, embed
from clustering.group import group
from clustering.modes import update_modes
from clustering.represent import represent

FOLDER = "TRACEWRIGHT_LABELLED"
SHARED = Path(__file__).parents[2] / "shared" / "data"
SYMPTOMS = ("tau_bench", "tau2")
CAUSES = ("agentrx",)
ERRORS = ("tau_bench", "tau2", "whowhen")
SEEDS = range(5)
DRAWS = 20
ENOUGH = 2  # failures
HEADING = f"{'method':<24}{'groups':>7}{'AMI':>7}{'±':>6}{'pair precision':>16}{'domain AMI':>12}"


def main(argv: Sequence[str] | None = None, *, encoder: Encoder | None = None) -> None:
    """Print the sections and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--traces", type=Path, nargs="+", default=[])
    parser.add_argument("--json", type=Path, help="write the figures")
    parser.add_argument("--work", type=Path, help="keeps recorded traffic and the peers' environment")
    parser.add_argument("--failures", type=int, default=1_000_000, help="generated failures of the scale section")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", nargs="+", help="sections to measure")
    arguments = parser.parse_args(argv)
    try:
        sets = _sets(arguments.traces)
    except (UnreadableRun, OSError) as error:
        parser.error(str(error))
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        work = arguments.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        for name, found in _measured(sets, arguments, work, encoder or MiniLM(threads=arguments.threads)):
            figures[name] = found
            if arguments.json:
                arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def _measured(
    sets: Mapping[str, Sequence[Labelled]], arguments: argparse.Namespace, work: Path, encoder: Encoder
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield each section as soon as it is measured, the longest last."""
    python = None if arguments.no_peers else environment(work)

    def wanted(section: str) -> bool:
        return not arguments.only or section in arguments.only

    for name, failures in sets.items():
        if wanted(name):
            enough = len(failures) >= ENOUGH
            yield name, _compared(name, failures, encoder, python=python, work=work) if enough else None
    if wanted("headlines"):
        yield "headlines", headlines(_runs(arguments.traces), encoder)
    sections: dict[str, Callable[[], dict[str, float]]] = {
        "many_bugs": lambda: many_bugs(encoder, work / "traffic"),
        "stability": lambda: stability(encoder, seeds=SEEDS),
        "scale": lambda: scale(encoder, n_failures=arguments.failures),
    }
    for name, measure in sections.items():
        if wanted(name):
            found = {key: round(value, 4) for key, value in measure().items()}
            print(f"\n{name}: " + ", ".join(f"{key} {value:g}" for key, value in found.items()), flush=True)
            yield name, found


def _sets(traces: Sequence[Path]) -> dict[str, list[Labelled]]:
    """Return what is grouped, by section."""
    paths = traces or _files()
    names = {path: _section(path) for path in paths}
    found: dict[str, list[Labelled]] = {"errors": []}
    for path, name in names.items():
        if traces or name in SYMPTOMS:
            found.setdefault(name, []).extend(labelled_failures(path, about=_about(name)))
    symptoms = [each for name, within in found.items() if name != "errors" for each in within]
    found["errors"] = found["errors"] or error_messages([path for path in paths if traces or names[path] in ERRORS])
    return found | {"wrote": [each for each in symptoms if each.wrote]}


def _section(path: Path) -> str:
    name = path.name.partition(".")[0]
    return "errors" if name.startswith("errors") else name


def _about(name: str) -> About:
    """Return what the labels of a section are about."""
    if name.startswith((*SYMPTOMS, *CAUSES)):
        return About.SYMPTOMS
    return About.ERRORS if name == "errors" else About.UNKNOWN


def _runs(traces: Sequence[Path]) -> dict[str, list[Labelled]]:
    """Return the failing runs of each file."""
    files = {_section(path): path for path in traces or _files()}
    wanted = [name for name in files if traces or name in {*SYMPTOMS, *CAUSES}]
    return {name: labelled_failures(files[name], about=_about(name)) for name in wanted}


def _files() -> list[Path]:
    folder = Path(os.environ.get(FOLDER) or SHARED)
    files = sorted(folder.glob("*.jsonl.gz")) if folder.is_dir() else []
    return [path for path in files if path.name.partition(".")[0] in {*SYMPTOMS, *CAUSES, *ERRORS}]


def _compared(
    name: str, failures: Sequence[Labelled], encoder: Encoder, *, python: Path | None, work: Path
) -> dict[str, Any]:
    """Print one row for each method and return the figures of ours, and the peers' AMI."""
    labels = [each.label for each in failures]
    texts = [each.text for each in failures]
    ours, n_embedded = _ours(failures, encoder)
    n_texts = len({words_of(text) for text in texts})
    print(
        f"\n{name}: {len(failures)} failures, {len(set(labels))} labels, {n_texts} texts, {n_embedded} of them embedded"
    )
    print(HEADING)
    figures = _row("ours", failures, [ours], spread=_spread(labels, ours))
    beside: dict[str, float] = {}
    for suffix, given in (("", texts), (", raw", [each.raw for each in failures])):
        k = min(len(set(labels)), len(set(given)))
        vectors = embed([text.casefold() for text in given], encoder, {})
        others = peers(given, vectors, k=k, seeds=SEEDS, python=python, work=work)
        beside |= {f"{peer}{suffix}": _row(f"{peer}{suffix}", failures, rows)["ami"] for peer, rows in others.items()}
    return figures | {"share_embedded": round(n_embedded / len(failures), 4), "peers": beside}


def headlines(sets: Mapping[str, Sequence[Labelled]], encoder: Encoder) -> dict[str, dict[str, float]]:
    """Print how the same failures are grouped by their own words and by headlines; those nobody wrote are left out."""
    figures = {}
    for name, failures in sets.items():
        anew = described_anew(failures)
        own = [each for each in failures if each.run_id in anew]
        if len(own) < ENOUGH:
            continue
        told = [replace(each, text=anew[each.run_id]) for each in own]
        n_told = sum(each.text != other.text for each, other in zip(own, told, strict=True))
        print(f"\n{name}: {len(own)} silent failures, {n_told} with a usable headline\n{HEADING}")
        rows = {}
        for title, described in (("own words", own), ("headlines", told)):
            groups, _ = _ours(described, encoder)
            spread = _spread([each.label for each in described], groups)
            rows[title] = _row(title, described, [groups], spread=spread)
        figures[name] = {
            "n": len(own),
            "n_headlines": n_told,
            "ami_without": rows["own words"]["ami"],
            "ami_with": rows["headlines"]["ami"],
            "ami_domain_without": rows["own words"]["ami_domain"],
            "ami_domain_with": rows["headlines"]["ami_domain"],
        }
    return figures


def _ours(labelled: Sequence[Labelled], encoder: Encoder) -> tuple[list[int], int]:
    """Return the group of each failure, and how many texts were embedded for that."""
    failures, texts = [each.failure for each in labelled], [each.text for each in labelled]
    cache: dict[str, Embeddings] = {}
    vectors = represent(failures, texts, partial(embed, encoder=encoder, cache=cache), n_features=encoder.n_features)
    labels = [0] * len(failures)
    for number, cluster in enumerate(group(failures, texts, vectors)):
        for row in cluster.members:
            labels[row] = number
    return labels, len(cache)


def _row(
    name: str, failures: Sequence[Labelled], found: Sequence[Sequence[int]], *, spread: float | None = None
) -> dict[str, float]:
    labels, domains = [each.label for each in failures], [each.domain for each in failures]
    ami = [adjusted_mutual_info_score(labels, groups) for groups in found]
    domain = float(np.mean([adjusted_mutual_info_score(domains, groups) for groups in found]))
    precision = float(np.mean([pair_scores(labels, groups)[0] for groups in found]))
    deviation = float(np.std(ami)) if spread is None else spread
    n_groups = float(np.mean([len(set(groups)) for groups in found]))
    print(
        f"{name:<24}{n_groups:>7.0f}{np.mean(ami):>7.3f}{deviation:>6.3f}{precision:>16.3f}{domain:>12.3f}", flush=True
    )
    figures = {"ami": np.mean(ami), "ami_domain": domain, "pair_precision": precision, "spread": deviation}
    return {key: round(float(value), 4) for key, value in figures.items()}


def _spread(labels: Sequence[str], found: Sequence[int]) -> float:
    draw = np.random.default_rng(0)
    rows = [draw.choice(len(labels), size=int(0.8 * len(labels)), replace=False) for _ in range(DRAWS)]
    drawn = [adjusted_mutual_info_score([labels[i] for i in each], [found[i] for i in each]) for each in rows]
    return float(np.std(drawn))


def many_bugs(encoder: Encoder, work: Path) -> dict[str, float]:
    """Return how well the bugs of one service are told apart: the mean of all cases of two bugs and more."""
    found = []
    print(f"\n{'case':<28}{'bugs':>5}{'modes':>6}{'precision':>11}{'recall':>8}{'F1':>6}{'unseen traces':>15}")
    for name, traces in cases(work):
        seen = [(each.bug, failure, each.trace) for each in traces for failure in detect(each.trace)]
        bugs, failures = [bug for bug, _, _ in seen], [failure for _, failure, _ in seen]
        if len(set(bugs)) < 2:  # noqa: PLR2004  # one bug is told apart from nothing
            continue
        texts = [describe(failure, trace) for _, failure, trace in seen]
        cached = partial(embed, encoder=encoder, cache={})
        updated = update_modes(failures, texts, represent(failures, texts, cached, n_features=encoder.n_features))
        scores = pair_scores(bugs, [updated.members[failure.identity] for failure in failures])
        unseen = len(traces) - len({failure.trace_id for failure in failures})
        shown = "".join(f"{score:>{width}.2f}" for score, width in zip(scores, (11, 8, 6), strict=True))
        print(f"{name:<28}{len(set(bugs)):>5}{len(updated.modes):>6}{shown}{unseen:>9} of {len(traces)}", flush=True)
        found.append(scores)
    precision, recall, f1 = np.mean(found, axis=0)
    least = min(score for *_, score in found)
    return {"cases": len(found), "pair_f1": f1, "least_f1": least, "pair_precision": precision, "pair_recall": recall}


if __name__ == "__main__":
    main()
