"""A worker that shares a PostgreSQL database's work with others, with stages that only say who does what.

    python -m tests.acceptance.shared_worker NAME DATABASE_URL FOLDER [TENANT …]

It asks for a run of each tenant, writes a line to FOLDER/log for whatever it does, and waits in `verify` until
FOLDER/go exists. It ends when it is killed.
"""

import sys
import threading
import time
from pathlib import Path

from bot.pipeline import Task, durable, start_run
from bot.store.engine import open_engine
from fixers.evidence import Verdict

MODES = ("one", "two", "three", "four")
POLL_S = 0.02


class SayingStages:
    """Satisfies `bot.pipeline.Stages`: every failure mode has one proposal, and every proposal holds."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    def examine(self, tenant: str) -> int:
        self._say("examine", tenant)
        return 0

    def group(self, tenant: str) -> int:  # noqa: ARG002
        return len(MODES)

    def choose(self, tenant: str) -> list[Task]:
        return [Task(f"{tenant}-{mode}", "now") for mode in MODES]

    def draft(self, tenant: str, task: Task) -> list[str]:  # noqa: ARG002
        return [task.failure_mode_id]

    def verify(self, tenant: str, proposal_id: str) -> Verdict:  # noqa: ARG002
        self._say("verify", proposal_id)
        while not (self._folder / "go").exists():
            time.sleep(POLL_S)
        return Verdict.VERIFIED

    def submit(self, tenant: str, proposal_id: str) -> str:  # noqa: ARG002
        self._say("submit", proposal_id)
        return f"https://example.com/{proposal_id}"

    def report(self, tenant: str, proposal_id: str) -> None: ...

    def give_up(self, tenant: str, task: Task, reason: str) -> None:  # noqa: ARG002
        self._say("give up", task.failure_mode_id)

    def watch(self, delivery_id: str) -> None: ...

    def _say(self, *words: str) -> None:
        with (self._folder / "log").open("a") as log:  # one short write each: lines of two processes do not mix
            log.write(" ".join((self._name, *words)) + "\n")


def main(name: str, database_url: str, folder: Path, tenants: list[str]) -> None:
    """Work until killed."""
    with durable(SayingStages(name, folder), open_engine(database_url)) as pipeline:
        for tenant in tenants:
            start_run(pipeline, tenant, run_id="only")
        (folder / f"{name}-ready").touch()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
