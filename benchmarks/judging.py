"""Ask a judge about a sample of labelled runs, or read what it answered before. Used by `benchmarks/detecting.py`.

The sample is drawn by a hash of the runs' ids, whatever was seen in them. A recording holds the digest of each request
and the reply, no text of a run; a request that it does not know goes to the endpoint of OPENAI_BASE_URL, if there is
one.
"""

import hashlib
import json
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.labelled_runs import LabelledRun
from bot.assemble import build_model
from bot.settings import read_settings
from clustering.judgement import Judgement, question, read_judgement
from clustering.transcript import transcript
from fixers.model import Model

RECORDING = Path(__file__).with_name("judge_recording") / "replies.jsonl"
PER_DOMAIN = 8
AT_ONCE = 40  # whoever stands behind the endpoint may take them in any order


def sampled(runs: Sequence[LabelledRun]) -> list[LabelledRun]:
    """Return the first runs of each domain in the order of a hash of their ids."""
    shuffled = sorted(runs, key=lambda run: hashlib.sha256(f"audit/{run.id}".encode()).digest())
    domains = sorted({run.domain for run in runs})
    return [run for domain in domains for run in [each for each in shuffled if each.domain == domain][:PER_DOMAIN]]


def judge_runs(runs: Iterable[LabelledRun]) -> dict[str, Judgement]:
    """Return what the judge says of each run, by its id; those that nobody answered for are left out."""
    transcripts = {run.id: transcript(run.trace) for run in runs}
    answered = replies({key: question(told) for key, told in transcripts.items()}, RECORDING)
    return {key: read_judgement(reply, transcripts[key]) for key, reply in answered.items()}


def replies(
    asked: Mapping[str, Sequence[Mapping[str, Any]]], recording: Path, *, sample: Container[str] | None = None
) -> dict[str, str]:
    """Return what was answered to each request that a recording knows, or that an endpoint answers, by its name.

    An endpoint is only asked about what is in the sample, by default about all.
    """
    known = _recorded(recording)
    new = {key: asked[key] for key in asked if digest(asked[key]) not in known and (sample is None or key in sample)}
    model = build_model(read_settings(os.environ)) if new else None
    if model is not None:
        known |= _ask(model, new, recording)
    return {key: known[digest(messages)] for key, messages in asked.items() if digest(messages) in known}


def digest(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return what a recording knows a request by."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


def _recorded(recording: Path) -> dict[str, str]:
    lines = recording.read_text("utf-8").splitlines() if recording.exists() else []
    return {each["request"]: each["reply"] for each in map(json.loads, lines)}


def _ask(model: Model, asked: Mapping[str, Sequence[Mapping[str, Any]]], recording: Path) -> dict[str, str]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda messages: model.complete(messages, []).content, asked.values()))
    found = {digest(messages): answer for messages, answer in zip(asked.values(), answers, strict=True)}
    with recording.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"request": key, "reply": reply}) + "\n" for key, reply in found.items())
    return found
