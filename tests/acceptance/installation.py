"""An installation of the product in a folder of its own, for tests that kill it and look at what is left."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.assemble import LOCAL
from bot.store.codec import to_json
from bot.store.engine import open_engine
from bot.store.store import Store
from examples import traffic
from fixers.harness import CONFIGURATION_PATH
from tests.acceptance.crash_worker import Job
from webhooks.clock import utc_now
from webhooks.dialects import search
from webhooks.inbox import Batch

ROOT = Path(__file__).parents[2]
# Nothing of the user's git configuration, and the same commit each time.
GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2026-11-02T12:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-02T12:00:00Z",
}
POSTGRES = os.environ.get("TRACEWRIGHT_TEST_POSTGRES", "")
IDENTITY = ("-c", "user.name=Shop", "-c", "user.email=shop@example.com")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Databases, the agent's repository and its pull requests."""

    folder: Path
    #: Empty for SQLite files in the folder.
    database_url: str = ""

    @property
    def repository(self) -> Path:
        """The support agent in a git repository."""
        return self.folder / "shop-agent"

    @property
    def job(self) -> Job:
        """What a worker does here unless told otherwise."""
        return Job(data=self.folder / "data", log=self.folder / "deaths.jsonl", database_url=self.database_url)

    def set_up(self, bodies: Sequence[bytes]) -> None:
        """Make the repository, connect it, and keep the traces."""
        shutil.copytree(traffic.CHECKOUT, self.repository, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        # No fix waits for a place: what is compared is what was done, not in which order.
        with (self.repository / CONFIGURATION_PATH).open("a") as configuration:
            configuration.write("pull_requests: {open_per_agent: 10, open_per_repository: 10, new_per_day: 10}\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git(*IDENTITY, "commit", "-q", "-m", "Answer customers")
        with self.store() as store:
            store.connect_repository(LOCAL, str(self.repository))
            for body in bodies:
                store.keep_batch(LOCAL, Batch(dialect="otlp-protobuf", body=body, rows=search("otlp-protobuf", body)))

    def live(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of Job
        """Run the loop until a life ends by itself; return where the others ended, and how long each took."""
        command = [sys.executable, "-m", "tests.acceptance.crash_worker", replace(self.job, **changes).text]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        seen: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        return seen

    def save_evidence(self, file: Path) -> None:
        """Write the evidence on every proposal to a file."""
        with self.store() as store:
            proposals = [
                proposal for mode in store.failure_modes(LOCAL) for proposal in store.proposals_of_mode(LOCAL, mode.id)
            ]
            tried = [store.evidence_of(LOCAL, proposal.id) for proposal in proposals]
        file.write_text(f"[{','.join(to_json(evidence) for evidence in tried if evidence)}]", "utf-8")

    def left_behind(self) -> dict[str, Any]:
        """Return everything that must not depend on how often a process died."""
        with self.store() as store:
            return {
                "modes": {mode.id: (mode.title, mode.n_traces) for mode in store.failure_modes(LOCAL)},
                "members": store.members(LOCAL),
                "verdicts": {
                    mode: sorted((tried.proposal_id or "", tried.verdict, tried.n_traces) for tried in recorded)
                    for mode, recorded in store.verdicts(LOCAL).items()
                },
                "proposals": self.rows("SELECT tenant, failure_mode_id, proposal_id FROM proposals"),
                # What was killed waits behind the others when it is taken up again: which number is whose may differ.
                "pull requests": sorted(
                    (opened.pull_request.head_branch, opened.proposal_id) for opened in store.pull_requests(LOCAL)
                ),
                "numbers": sorted(opened.pull_request.number for opened in store.pull_requests(LOCAL)),
                "outcomes": self.rows("SELECT proposal_id, decision FROM outcomes"),
                "records": sorted(record["head_branch"] for record in self.records()),
                "branches": sorted(self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/").split()),
                "checks": {record["head_branch"]: sorted(record["checks"]) for record in self.records()},
            }

    def records(self) -> list[dict[str, Any]]:
        """Return what the forge keeps of each pull request."""
        return [json.loads(file.read_text("utf-8")) for file in self.job.data.glob("pull-requests/*.json")]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT, sorted."""
        with self.store() as store, store.engine.connect() as connection:
            return sorted(tuple(row) for row in connection.execute(sa.text(statement)))

    def work(self) -> dict[str, str]:
        """Return the state of each workflow by its id."""
        engine = open_engine(self.job.settings.work_url)
        table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
        with engine.connect() as connection:
            rows = connection.execute(sa.text(f"SELECT workflow_uuid, status FROM {table}")).all()
        engine.dispose()
        return {row.workflow_uuid: row.status for row in rows}

    def is_intact(self) -> bool:
        """Let SQLite check its files; PostgreSQL looks after itself."""
        files = self.job.data.glob("*.db") if not self.database_url else ()
        return all(self._check(file) == "ok" for file in files)

    def git(self, *arguments: str) -> str:
        """Run git in the repository and return what it prints."""
        command = ["git", "-C", str(self.repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=GIT_ENVIRONMENT).stdout

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the records."""
        store = Store(open_engine(self.job.settings.engine_url), now=utc_now)
        try:
            yield store
        finally:
            store.engine.dispose()

    def _check(self, file: Path) -> str:
        engine = open_engine(f"sqlite:///{file}")
        with engine.connect() as connection:
            found = str(connection.execute(sa.text("PRAGMA integrity_check")).scalar())
        engine.dispose()
        return found


@contextmanager
def databases() -> Iterator[Callable[[], str]]:
    """Yield a maker of PostgreSQL databases, each an SQLAlchemy URL; they are dropped at the end."""
    admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    names: list[str] = []

    def make() -> str:
        names.append(f"crash_{uuid.uuid4().hex}")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {names[-1]}"))
        return sa.make_url(POSTGRES).set(database=names[-1]).render_as_string(hide_password=False)

    try:
        yield make
    finally:
        with admin.connect() as connection:
            for name in names:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
