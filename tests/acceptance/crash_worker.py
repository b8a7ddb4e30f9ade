"""A process that runs the loop as `tracewright run` does, and kills itself with SIGKILL wherever it has not died yet.

    python -m tests.acceptance.crash_worker '{"data": …, "log": …}'

It imports the product once and then forks a child for every life, so that a restart costs what opening the databases
costs. Each life is a process of its own with nothing but the databases, the repository and the log of earlier deaths;
it dies before a stage, after the stage's effect but before DBOS has noted it, after each write to the store, and
between the steps of opening a pull request. The supervisor starts lives until one ends by itself, and prints what it
saw as JSON.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import numpy as np

from bot.agents import Agent
from bot.assemble import LOCAL, assemble
from bot.errand import Errand
from bot.forge.forge import Draft
from bot.forge.local import LocalForge
from bot.outcome import Outcome
from bot.pipeline import Task, durable, finish_pending, run_once
from bot.pull_request import PullRequest
from bot.settings import Settings
from bot.stages import ProductStages
from bot.store.codec import from_json
from bot.store.grouping import Move
from bot.store.runs import Examined
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from bot.workshop import Workshop
from clustering.embed import Embeddings
from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal
from fixers.sandbox import Unisolated
from webhooks.clock import utc_now
from webhooks.trace import Trace

T = TypeVar("T")

# More lives than boundaries means that one of them is never passed.
MAX_LIVES = 600


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one run of the worker is about."""

    data: Path
    #: One boundary a line: where earlier lives ended. Outside of every database.
    log: Path
    #: SQLAlchemy URL; empty for SQLite in `data`.
    database_url: str = ""
    #: Kinds of boundaries that kill, each once; None: all kinds.
    kinds: Sequence[str] | None = None
    #: Of all kinds, the first boundary of each and every so-many-th of the others kills; 1: every boundary.
    every: int = 1
    #: A JSON file with the evidence on each proposal, gathered by an uninterrupted run; None: all count as verified.
    evidence: Path | None = None
    #: Whether texts are embedded by MiniLM; else by their letters, which groups well enough to have something to mend.
    real_encoder: bool = False
    #: The example's model provider; with it proposals are really tried, in the sandbox.
    provider_url: str = ""

    @classmethod
    def read(cls, text: str) -> "Job":
        """Read what `Job.text` wrote."""
        values = json.loads(text)
        return cls(**{name: _read(name, value) for name, value in values.items()})

    @property
    def text(self) -> str:
        """The job as an argument of the command line."""
        return json.dumps(asdict(self), default=str)

    @property
    def settings(self) -> Settings:
        """Settings with the embedded defaults; every trace counts as complete."""
        return Settings(
            data=self.data,
            database_url=self.database_url,
            quiet_s=0.0,
            replay_base_url=self.provider_url,
            replay_api_key="example",
            replay_model="shop-1",
            replay_is_steady=1,
        )


class Reaper:
    """Ends this process at each boundary once, over all lives."""

    def __init__(self, log: Path, kinds: Sequence[str] | None, *, every: int = 1) -> None:
        self._log = log
        self._kinds = kinds
        self._every = every
        self._seen = {death["boundary"] for death in deaths(log)}
        self._seen_kinds = {boundary.partition(" ")[0] for boundary in self._seen}

    def reach(self, kind: str, about: str = "") -> None:
        """Die here, unless an earlier life did."""
        boundary = f"{kind} {about}"
        if self._is_wanted(kind, boundary):
            death = {"boundary": boundary, "torch": "torch" in sys.modules}
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(death) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.kill(os.getpid(), signal.SIGKILL)

    def _is_wanted(self, kind: str, boundary: str) -> bool:
        if kind not in self._seen_kinds:
            return self._kinds is None or kind in self._kinds
        # The same ones in every life, and not those that come first.
        is_chosen = crc32(boundary.encode()) % self._every == 0
        return self._kinds is None and is_chosen and boundary not in self._seen


def deaths(log: Path) -> list[dict[str, Any]]:
    """Return where earlier lives ended, oldest first."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldWorkshop(Workshop):
    """Drafts, but for the trial in the sandbox, which takes half a minute a proposal, takes what it was told."""

    evidence: Mapping[str, Evidence] | None

    def try_out(self, _: str, proposal: Proposal, __: FailureMode, ___: Agent) -> Evidence:
        if self.evidence is None:
            return Evidence(proposal_id=proposal.id, verdict=Verdict.VERIFIED, reason="As told.", isolation="none")
        return self.evidence[proposal.id]


@dataclass(frozen=True, kw_only=True)
class TriedBefore(ProductStages):
    """The product's stages with that workshop.

    The evidence is what an uninterrupted run gathered for the same proposal: its id is a hash of its edits, so that
    an id without evidence would be a proposal that the uninterrupted run did not make.
    """

    evidence: Mapping[str, Evidence] | None

    @property
    def workshop(self) -> Workshop:
        workshop = super().workshop
        same = {each.name: getattr(workshop, each.name) for each in fields(workshop)}
        return ToldWorkshop(**same, evidence=self.evidence)


class MortalStages:
    """Satisfies `bot.pipeline.Stages`: dies before each stage, and after its effect but before DBOS has noted it."""

    def __init__(self, stages: ProductStages, reaper: Reaper) -> None:
        self._stages = stages
        self._reaper = reaper

    def examine(self, tenant: str) -> int:
        return self._around("examine", "", lambda: self._stages.examine(tenant))

    def group(self, tenant: str) -> int:
        return self._around("group", "", lambda: self._stages.group(tenant))

    def choose(self, tenant: str) -> list[Task]:
        return self._around("choose", "", lambda: self._stages.choose(tenant))

    def draft(self, tenant: str, task: Task) -> list[str]:
        return self._around("draft", task.failure_mode_id, lambda: self._stages.draft(tenant, task))

    def verify(self, tenant: str, proposal_id: str) -> Verdict:
        return self._around("verify", proposal_id, lambda: self._stages.verify(tenant, proposal_id))

    def submit(self, tenant: str, proposal_id: str) -> str | None:
        return self._around("submit", proposal_id, lambda: self._stages.submit(tenant, proposal_id))

    def show(self, tenant: str) -> None:
        self._around("show", "", lambda: self._stages.show(tenant))

    def prove(self, tenant: str) -> None:
        self._around("prove", "", lambda: self._stages.prove(tenant))

    def report(self, tenant: str, proposal_id: str) -> None:
        self._around("report", proposal_id, lambda: self._stages.report(tenant, proposal_id))

    def give_up(self, tenant: str, task: Task, reason: str) -> None:
        self._around("give-up", task.failure_mode_id, lambda: self._stages.give_up(tenant, task, reason))

    def watch(self, delivery_id: str) -> list[Errand]:
        return self._around("watch", delivery_id, lambda: self._stages.watch(delivery_id))

    def do(self, errand: Errand) -> None:
        self._around("do", errand.proposal_id, lambda: self._stages.do(errand))

    def _around(self, stage: str, about: str, run: Callable[[], T]) -> T:
        self._reaper.reach(f"before-{stage}", about)
        result = run()
        self._reaper.reach(f"after-{stage}", about)
        return result


class MortalStore(Store):
    """Dies after a write."""

    reaper: Reaper

    def save_all_examined(
        self, tenant: str, examined: Iterable[tuple[Trace, Sequence[Failure], Examined | None]]
    ) -> None:
        together = list(examined)
        super().save_all_examined(tenant, together)
        for trace, *_ in together[:1]:
            self.reaper.reach("kept-examined", trace.trace_id[0])

    def save_grouping(self, tenant: str, modes: Sequence[FailureMode], moves: Sequence[Move]) -> None:
        super().save_grouping(tenant, modes, moves)
        self.reaper.reach("kept-modes")

    def save_proposal(self, tenant: str, proposal: Proposal) -> None:
        super().save_proposal(tenant, proposal)
        self.reaper.reach("kept-proposal", proposal.id)

    def save_evidence(self, tenant: str, evidence: Evidence) -> None:
        super().save_evidence(tenant, evidence)
        self.reaper.reach("kept-evidence", evidence.proposal_id)

    def save_verdict(self, tenant: str, recorded: RecordedVerdict) -> None:
        super().save_verdict(tenant, recorded)
        self.reaper.reach("kept-verdict", f"{recorded.failure_mode_id}-{recorded.proposal_id}")

    def save_pull_request(self, tenant: str, pull_request: PullRequest, *, proposal_id: str, agent: str = "") -> None:
        super().save_pull_request(tenant, pull_request, proposal_id=proposal_id, agent=agent)
        self.reaper.reach("kept-pull-request", proposal_id)

    def set_pull_request_state(self, tenant: str, pull_request: PullRequest, state: str) -> None:
        super().set_pull_request_state(tenant, pull_request, state)
        self.reaper.reach("kept-state", pull_request.head_branch)

    def record_outcome(self, tenant: str, outcome: Outcome) -> bool:
        new = super().record_outcome(tenant, outcome)
        self.reaper.reach("kept-outcome", outcome.proposal_id)
        return new


class MortalForge(LocalForge):
    """Dies between the steps of opening a pull request."""

    def __init__(self, repository: Path, *, folder: Path, reaper: Reaper) -> None:
        super().__init__(repository, folder=folder)
        self._reaper = reaper

    def open_pull_request(self, draft: Draft) -> PullRequest:
        pull_request = super().open_pull_request(draft)
        self._reaper.reach("opened", draft.head_branch)
        return pull_request

    def _push(self, draft: Draft) -> str:
        head_sha = super()._push(draft)
        self._reaper.reach("branched", draft.head_branch)
        return head_sha

    def _write(self, record: Any) -> None:  # noqa: ANN401  # the forge's own record
        super()._write(record)
        self._reaper.reach("recorded", f"{record.head_branch} with {len(record.checks)} checks")


class Letters:
    """An encoder that counts pairs of letters."""

    name = "letters"
    n_features = 512

    def encode(self, texts: Sequence[str]) -> Embeddings:
        counts = np.zeros((len(texts), self.n_features), dtype=np.float32)
        for row, text in enumerate(texts):
            for first, second in pairwise(text):
                counts[row, (ord(first) * 31 + ord(second)) % self.n_features] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class DeathlessPassage(RuntimeError):
    """A life ended in neither death nor success."""


def supervise(job: Job) -> dict[str, Any]:
    """Start lives until one ends by itself; return where they died and how long each took, in seconds."""
    lives_s = []
    for _ in range(MAX_LIVES):
        began = time.monotonic()
        status = _live_in_a_child(job)
        lives_s.append(round(time.monotonic() - began, 3))
        if status == 0:
            return {"deaths": deaths(job.log), "lives_s": lives_s}
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            raise DeathlessPassage(f"a life ended with {os.waitstatus_to_exitcode(status)}")
    raise DeathlessPassage(f"{MAX_LIVES} lives were not enough")


def _live_in_a_child(job: Job) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            live(job)
            status = 0
        except BaseException:  # noqa: BLE001  # the child must not return into the supervisor's code
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitpid(child, 0)[1]


def live(job: Job) -> None:
    """Do what `tracewright run` does: finish what an earlier life left behind, then run the loop once."""
    reaper = Reaper(job.log, job.kinds, every=job.every)
    never_used = None if job.provider_url else Unisolated(python=Path(sys.executable))
    product = assemble(job.settings, sandbox=never_used)
    store = MortalStore(product.store.engine, now=utc_now)
    store.reaper = reaper
    stages = replace(
        product.stages,
        store=store,
        forge_of=lambda _, repository: MortalForge(Path(repository), folder=job.data / "pull-requests", reaper=reaper),
        encoder=product.stages.encoder if job.real_encoder else Letters(),
    )
    if not job.provider_url:
        stages = _tried_before(stages, _evidence(job))
    with durable(MortalStages(stages, reaper), product.work_engine) as pipeline:
        finish_pending()
        run_once(pipeline, LOCAL, run_id=utc_now().isoformat())
    product.close()


def _tried_before(stages: ProductStages, evidence: Mapping[str, Evidence] | None) -> TriedBefore:
    same = {field.name: getattr(stages, field.name) for field in fields(stages)}
    return TriedBefore(**same, evidence=evidence)


def _evidence(job: Job) -> dict[str, Evidence] | None:
    if job.evidence is None:
        return None
    tried = [from_json(Evidence, json.dumps(record)) for record in json.loads(job.evidence.read_text("utf-8"))]
    return {evidence.proposal_id: evidence for evidence in tried}


def _read(name: str, value: Any) -> Any:  # noqa: ANN401  # JSON
    return Path(value) if name in {"data", "log", "evidence"} and value is not None else value


if __name__ == "__main__":
    sys.stdout.write(json.dumps(supervise(Job.read(sys.argv[1]))) + "\n")
