"""Visit: one conversation of a user with a harness, and how the user knows whether it was answered well."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

JOB_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a user says, turn by turn."""

    turns: tuple[str, ...]
    #: What befalls the model provider at the last turn; see `provider.Provider`.
    quirk: str = ""
    #: Words that a good answer has.
    expects: tuple[str, ...] = ()
    #: Words that a good answer does not have.
    avoids: tuple[str, ...] = ()
    #: What the user writes below a bad answer; without it, nothing is rated.
    complaint: str = ""
    user_id: str = "u-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How a visit ended."""

    visit: Visit
    answer: str
    #: What the conversation crashed with, or None.
    error: str | None

    @property
    def is_right(self) -> bool:
        """Whether the user got what they came for."""
        if self.error is not None or not self.answer:
            return False
        expected = all(words in self.answer for words in self.visit.expects)
        return expected and not any(words in self.answer for words in self.visit.avoids)


def one(*turns: str, **fields: Any) -> Visit:  # noqa: ANN401  # the fields of a visit
    """Make a visit of these turns."""
    return Visit(turns=turns, **fields)


def quirks(visits: Sequence[Visit]) -> dict[str, str]:
    """Return what befalls the provider, by question."""
    return {visit.turns[-1]: visit.quirk for visit in visits if visit.quirk}


def hold(visits: Sequence[Visit], *, command: Sequence[str], checkout: Path, env: Mapping[str, str]) -> list[Answered]:
    """Have the harness's own worker answer the visits one after the other, in one process, as in production.

    Raises
    ------
    RuntimeError
        When the worker does not answer each job, with the end of its log.

    """
    jobs: list[dict[str, Any]] = []
    with subprocess.Popen(
        [sys.executable if word == "python" else word for word in command],
        cwd=checkout,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        answered = []
        try:
            for number, visit in enumerate(visits, 1):
                session = f"s-{number:03d}"
                jobs = [{"session_id": session, "user_id": visit.user_id, "turns": list(visit.turns)}]
                told = _ask(worker, jobs[0])
                answered.append(Answered(visit=visit, answer=told["answer"], error=told["error"]))
                if visit.complaint and told["error"] is None:
                    right = answered[-1].is_right
                    _ask(worker, {"rate": session, "helpful": right, "comment": "" if right else visit.complaint})
            _, log = worker.communicate(timeout=JOB_TIMEOUT_S)
        except (EOFError, BrokenPipeError, ValueError, subprocess.TimeoutExpired) as error:
            worker.kill()
            raise RuntimeError(f"the worker did not answer {jobs}: {worker.communicate()[1][-2000:]}") from error
    if worker.returncode:
        raise RuntimeError(f"the worker ended with exit status {worker.returncode}: {log[-2000:]}")
    return answered


def worker_environment(base_url: str, *, otlp: str = "") -> dict[str, str]:
    """Return a worker's environment; without `otlp`, no span is exported anywhere."""
    telemetry = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp} if otlp else {"OTEL_SDK_DISABLED": "true"}
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": "scripted",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "src",  # for the harness whose code lies there; nothing to the others
        "no_proxy": "127.0.0.1",
        **telemetry,
    }


def _ask(worker: subprocess.Popen[str], job: Mapping[str, Any]) -> dict[str, Any]:
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("the worker was started without pipes")
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise EOFError
    told: dict[str, Any] = json.loads(line)
    return told
