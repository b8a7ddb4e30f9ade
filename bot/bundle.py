"""Bundle: the evidence in full, as files for whoever wants more than the pull request shows. No I/O.

README.md            what is here, and what was left out
failure-mode.json    what went wrong, and how often
proposal.json        diagnosis, edits, predictions
evidence.json        every case and test run
cassettes/01.json    what model and tools answered in one recorded run, for a replay
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from bot.store.codec import to_json
from clustering.failure_mode import FailureMode
from fixers.evidence import Evidence
from fixers.proposal import Proposal
from fixers.replay.cassette import Cassette

#: The branch without history in common with the code: bundles are read there, and never merged.
BRANCH = "tracewright-evidence"
# GitHub takes trees of up to 7 MB: https://docs.github.com/en/rest/git/trees
MAX_BYTES = 4 * 1024 * 1024
MAX_CASSETTES = 40
# Digits in these are no numbers of people's.
IDS = frozenset({"trace_id"})

Redact = Callable[[str], str]


def bundle(
    proposal: Proposal, evidence: Evidence, mode: FailureMode, cassettes: Iterable[Cassette], *, redact: Redact
) -> dict[str, str]:
    """Return the files of a bundle, text by path; the last cassettes are left out when it grows too large.

    Parameters
    ----------
    proposal, evidence, mode
        As they may be shown.
    redact
        Takes out of a text of a run what nobody but the agent's owners may see.

    """
    files = {
        "failure-mode.json": _pretty(_counted(mode)),
        "proposal.json": _pretty(json.loads(to_json(proposal))),
        "evidence.json": _pretty(json.loads(to_json(evidence))),
    }
    left_out, n_cassettes = 0, 0
    size = sum(map(_size, files.values()))
    for number, cassette in enumerate(cassettes, 1):
        text = _pretty(_redacted(cassette.to_json(), redact))
        if number > MAX_CASSETTES or size + _size(text) > MAX_BYTES:
            left_out += 1
            continue
        size += _size(text)
        n_cassettes += 1
        files[f"cassettes/{number:02d}.json"] = text
    return {"README.md": _readme(proposal, n_cassettes=n_cassettes, left_out=left_out), **files}


def _counted(mode: FailureMode) -> dict[str, object]:
    return {
        "id": mode.id,
        "title": mode.title,
        "status": mode.status.value,
        "detector": mode.detector,
        "n_traces": mode.n_traces,
        "n_sessions": mode.n_sessions,
        "n_users": mode.n_users,
        "first_seen": mode.first_seen.isoformat(),
        "last_seen": mode.last_seen.isoformat(),
    }


def _redacted(value: Any, redact: Redact) -> Any:  # noqa: ANN401  # JSON
    """Return the value with every text in it redacted, but for the keys and the id of the trace."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_redacted(item, redact) for item in value]
    if isinstance(value, dict):
        return {key: item if key in IDS else _redacted(item, redact) for key, item in value.items()}
    return value


def _pretty(value: object) -> str:
    """Return JSON that people can read and compare; ASCII, so that nothing in it is invisible."""
    return json.dumps(value, indent=1) + "\n"


def _size(text: str) -> int:
    return len(text.encode())


def _readme(proposal: Proposal, *, n_cassettes: int, left_out: int) -> str:
    missing = f" {left_out} more are left out: a bundle has at most {MAX_BYTES // 1024**2} MiB." if left_out else ""
    return (
        f"# Evidence on proposal {proposal.id}\n\n"
        f"Failure mode {proposal.failure_mode_id}, commit {proposal.base_sha}. A bot wrote these files; nothing here "
        "is run or merged.\n\n"
        f"`cassettes/` holds {n_cassettes} recorded runs, failing ones first, each as plain JSON.{missing}\n"
        "Secrets were replaced before anything was kept, and personal data before this was written.\n"
    )
