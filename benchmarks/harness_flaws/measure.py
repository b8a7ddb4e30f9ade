"""Measure one case: a flawed harness in a repository of its own, its traffic, and what the product makes of it."""

import gzip
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import yaml

from benchmarks.harness_flaws.flaw import Flaw, check_out, git
from benchmarks.harness_flaws.judging import Judgement, clone, judge
from benchmarks.harness_flaws.provider import Provider
from benchmarks.harness_flaws.traffic import serve, visits_of
from bot.assemble import LOCAL, Product, assemble
from bot.connect import connect
from bot.fix import Fixed, fix_once
from bot.ingest import ingest
from bot.redaction import build_redaction
from bot.settings import Settings
from bot.stages import ProductStages
from clustering.embed import Encoder
from fixers.code_index import CodeIndex
from fixers.diagnose import diagnose
from fixers.diagnosis import Diagnosis
from fixers.draft import RECIPES
from fixers.harness import CONFIGURATION_PATH, read_harnesses
from fixers.model import Model, Reply
from fixers.sandbox import Sandbox
from fixers.scope import violations
from webhooks.clock import utc_now

PROMPT_FILES = ("prompts/**", "**/prompts/**", "**/prompts.py", "tests/**/*.py")


class Column(StrEnum):
    """What may work on the flaws."""

    RECIPES = "recipes"
    AGENT = "agent"
    PROMPT_ONLY = "prompt-only"


@dataclass
class Counted:
    """A model that counts what it is asked."""

    model: Model
    tokens: int = 0

    def complete(self, messages: list, tools: list) -> Reply:  # type: ignore[type-arg]  # passed on as they come
        """Ask the model behind."""
        reply = self.model.complete(messages, tools)
        self.tokens += reply.input_tokens + reply.output_tokens
        return reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of one case."""

    id: str
    kind: str
    silent: bool
    #: Failure modes that the product found in the traffic.
    failure_modes: list[str]
    #: The layer and the file that the product points to; of what it opened, else of the most severe failure mode.
    layer: str | None
    file: str | None
    layer_right: bool
    file_right: bool
    #: Pull requests opened, each with its author.
    opened: list[str]
    hidden_test_passes: bool
    regression: bool
    #: Paths outside the operator's scope that an opened pull request edits.
    out_of_scope: list[str]
    #: Why the attempts ended, by failure mode.
    verdicts: dict[str, str]
    tokens: int
    seconds: float
    #: The end of the first red suite on an opened branch.
    output: str = field(default="", repr=False)

    @property
    def solved(self) -> bool:
        """Whether a pull request was opened that passes all the tests that nobody saw."""
        return bool(self.opened) and self.hidden_test_passes and not self.regression

    @property
    def wrong(self) -> bool:
        """Whether a pull request was opened whose hidden test fails."""
        return bool(self.opened) and not self.hidden_test_passes


def measure(
    flaw: Flaw,
    column: Column,
    *,
    encoder: Encoder,
    sandbox: Sandbox,
    model: Model | None,
    traffic: Path | None = None,
    keep_traffic: Path | None = None,
) -> Report:
    """Let the product work on one flaw, and judge what it opens by the tests that it never sees.

    Parameters
    ----------
    model
        The agent fixer's. In the columns with one, recipes stay out of the way.
    traffic
        The file of traces of an earlier run, so that a recorded exchange is about the same runs; None to serve anew.
    keep_traffic
        A folder for that file.

    """
    started = time.monotonic()
    counted = Counted(model) if model else None
    with tempfile.TemporaryDirectory(prefix="harness-flaws-") as name:
        folder = Path(name)
        repository = check_out(flaw.harness, folder / flaw.harness, flaw=flaw)
        if column is Column.PROMPT_ONLY:
            _allow_prompts_only(repository)
        traces = traffic or _served(flaw, repository, folder, keep_traffic)
        with _stages(flaw, repository, folder, traces, sandbox=sandbox) as (product, plain):
            recipes = RECIPES if column is Column.RECIPES else ()
            stages = replace(plain, encoder=encoder, model=counted, recipes=recipes)
            stages.examine(LOCAL)
            stages.group(LOCAL)
            modes = {mode.id: f"{mode.detector} {mode.key}" for mode in stages.store.failure_modes(LOCAL)}
            tried = [fix_once(stages, LOCAL, task.failure_mode_id, dry_run=False) for task in stages.choose(LOCAL)]
            opened = [fixed for fixed in tried if fixed.url]
            guess = _diagnosis(product, (opened or tried)[0], repository) if tried else None
        judged = [_judged(flaw, repository, fixed, folder, sandbox) for fixed in opened]
        paths = [each for fixed in opened for each in _out_of_scope(repository, fixed)]
    return Report(
        id=flaw.id,
        kind=flaw.kind,
        silent=flaw.silent,
        failure_modes=sorted(modes.values()),
        layer=str(guess.layer) if guess else None,
        file=guess.location.path if guess and guess.location else None,
        layer_right=guess is not None and guess.layer is flaw.layer,
        file_right=bool(guess and guess.location and guess.location.path in {flaw.file, *flaw.also}),
        opened=[fixed.proposal.author for fixed in opened if fixed.proposal],
        hidden_test_passes=bool(judged) and all(each.hidden_passes for each in judged),
        regression=any(each.regresses for each in judged),
        out_of_scope=paths,
        verdicts={modes[fixed.mode.id]: f"{fixed.verdict}: {fixed.reason}" for fixed in tried},
        tokens=counted.tokens if counted else 0,
        seconds=round(time.monotonic() - started, 1),
        output=next((each.output for each in judged if each.output), ""),
    )


def _served(flaw: Flaw, repository: Path, folder: Path, keep: Path | None) -> Path:
    """Have the harness serve its users, and return the file of its traces."""
    _, traces = serve(flaw, repository, visits_of(flaw), folder=folder)
    git(repository, "checkout", "-q", "--", ".")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{flaw.id}.{traces.name}.gz").write_bytes(gzip.compress(traces.read_bytes(), mtime=0))
    return traces


@contextmanager
def _stages(
    flaw: Flaw, repository: Path, folder: Path, traces: Path, *, sandbox: Sandbox
) -> Iterator[tuple[Product, ProductStages]]:
    """Yield the product with the traffic ingested. The live model of the replays is the provider on a good day."""
    with Provider(flaw.domain.reply) as provider:
        live = {
            "replay_base_url": provider.base_url,
            "replay_api_key": "scripted",
            "replay_model": "scripted-1",
            "replay_is_steady": 1,
        }
        product = assemble(Settings(data=folder / "data", quiet_s=0.0, **live), sandbox=sandbox)
        try:
            connect(product, str(repository))
            redaction = build_redaction(product.settings)
            ingest(
                product.store, LOCAL, traces, redaction=redaction, received_at=utc_now(), on_progress=lambda *_: None
            )
            yield product, product.stages
        finally:
            product.close()


def _diagnosis(product: Product, fixed: Fixed, repository: Path) -> Diagnosis:
    """Return the diagnosis of the proposal, or what the rules say without one."""
    if fixed.proposal:
        return fixed.proposal.diagnosis
    store = product.store
    traces = store.load_traces(LOCAL, store.traces_of_mode(LOCAL, fixed.mode.id, limit=30))
    failures = [each for each in store.failures_of_mode(LOCAL, fixed.mode.id) if each.trace_id in traces]
    healthy = store.load_traces(LOCAL, store.healthy_traces(LOCAL, service=failures[0].service if failures else ""))
    return diagnose(fixed.mode, failures, traces, CodeIndex.of(repository), healthy=[*healthy.values()])


def _judged(flaw: Flaw, repository: Path, fixed: Fixed, folder: Path, sandbox: Sandbox) -> Judgement:
    if fixed.proposal is None:
        raise ValueError(f"{flaw.id}: a pull request without a proposal: {fixed.url}")
    branch = f"tracewright/{fixed.proposal.id}"
    return judge(flaw, clone(repository, branch, folder / fixed.proposal.id), sandbox=sandbox)


def _out_of_scope(repository: Path, fixed: Fixed) -> list[str]:
    (harness,) = read_harnesses((repository / CONFIGURATION_PATH).read_text(encoding="utf-8"))
    return violations(fixed.proposal.edits, harness) if fixed.proposal else []


def _allow_prompts_only(repository: Path) -> None:
    """Commit a configuration under which prompts, and a new test, are all that may be edited."""
    path = repository / CONFIGURATION_PATH
    configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    for agent in configuration["agents"]:
        agent["paths"]["allow"] = list(PROMPT_FILES)
    path.write_text(yaml.safe_dump(configuration, sort_keys=False), encoding="utf-8")
    git(repository, "commit", "-q", "-a", "-m", "Let prompts alone be edited")


ModelOf = Callable[[Flaw], Model | None]
