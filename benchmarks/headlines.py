"""Headlines of labelled runs: what a model was recorded to say of them. Used by `benchmarks/grouping.py`.

The sample is drawn by a hash of the runs' ids among those that failed without an error. A recording holds the digest of
each request and the reply, no text of a run; a request of the sample that it does not know goes to the endpoint of
OPENAI_BASE_URL, if there is one.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.grouping_sets import Labelled
from benchmarks.judging import replies
from clustering.describe import SILENT, describe
from clustering.headline import question, read_headline
from clustering.transcript import transcript

RECORDING = Path(__file__).with_name("headline_recording") / "replies.jsonl"
PER_DOMAIN = 24


def described_anew(failures: Sequence[Labelled]) -> dict[str, str]:
    """Return, by the run's id, the silent failures that a model was asked about, described by its headlines."""
    silent = [each for each in failures if each.failure.detector in SILENT]
    runs = {each.run_id: transcript(each.trace) for each in silent}
    asked = {each.run_id: question(runs[each.run_id], [each.failure.detector]) for each in silent}
    answers = replies(asked, RECORDING, sample=_sampled(silent))
    lines = {run_id: read_headline(reply, runs[run_id]) for run_id, reply in answers.items()}
    return {
        each.run_id: describe(each.failure, each.trace, lines[each.run_id]) for each in silent if each.run_id in lines
    }


def _sampled(failures: Sequence[Labelled]) -> set[str]:
    """Return the first runs of each domain in the order of a hash of their ids."""
    shuffled = sorted(failures, key=lambda each: hashlib.sha256(f"headline/{each.run_id}".encode()).digest())
    domains = {each.domain for each in failures}
    return {each.run_id for domain in domains for each in [it for it in shuffled if it.domain == domain][:PER_DOMAIN]}
