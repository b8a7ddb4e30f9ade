"""The stages as the product runs them: what `bot.pipeline` strings together, with everything they need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.advisor import Advisor
from bot.agents import Agents
from bot.allowance import UNLIMITED, Allowance
from bot.audit import audit
from bot.board import write_boards
from bot.changes import Changes
from bot.choose import Choosing
from bot.discretion import Discretions
from bot.errand import Errand, Kind
from bot.examine import examine
from bot.forge.forge import Forge
from bot.group import group
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.learn import learn
from bot.ledger import MAX_REASON, Ledger
from bot.opening import Opening
from bot.pipeline import Task
from bot.pr_body.escape import one_line
from bot.prove import prove
from bot.revise import Revising
from bot.service_owners import owner_finder
from bot.store.store import Store
from bot.work import end_work
from bot.workshop import Listener, Workshop, silent
from bot.write_headlines import write_headlines
from bot.write_titles import write_titles
from clustering.embed import Encoder
from fixers.draft import RECIPES
from fixers.evidence import Verdict
from fixers.model import Model
from fixers.recipes.recipe import Recipe
from fixers.replay.playback import LiveModel
from fixers.sandbox import Sandbox


@dataclass(frozen=True, kw_only=True)
class ProductStages:
    """Satisfies `bot.pipeline.Stages`; every method may run twice."""

    store: Store
    #: The forge of a tenant's repository.
    forge_of: Callable[[str, str], Forge]
    encoder: Encoder
    #: None where code cannot be isolated: then nothing of a repository is run, and nothing is proposed.
    sandbox: Sandbox | None
    #: Takes personal data out of what people are shown.
    discretions: Discretions
    #: Why there is no sandbox, with its mend.
    no_sandbox: str = ""
    recipes: Sequence[Recipe] = RECIPES
    model: Model | None = None
    #: What the model may cost in a day.
    a_day: Allowance = UNLIMITED
    #: Reads a sample of the runs, those that no detector flagged too; None: nobody does.
    judge: Advisor | None = None
    #: Writes headlines of failing runs and titles of failure modes; None: both come from masked words.
    namer: Advisor | None = None
    live: LiveModel | None = None
    quiet_s: float = 60.0
    #: Reviewers are answered when they have said nothing for so long.
    review_quiet_s: float = 120.0
    now: Callable[[], datetime]
    listener: Listener = field(default=silent)
    #: Ends the durable work of a tenant.
    end_work: Callable[[str], None] = field(default=end_work)

    def examine(self, tenant: str) -> int:
        """Detect the failures in every complete trace that has not been looked at."""
        agents = self.agents(tenant)
        n_examined = examine(
            self.store, tenant, agents=agents, quiet_s=self.quiet_s, on_progress=self._telling("detecting failures")
        )
        if self.judge is not None:
            audit(
                self.store,
                tenant,
                judge=self.judge,
                agents=agents,
                now=self.now(),
                on_progress=self._telling("judging runs"),
            )
        if self.namer is not None:
            write_headlines(
                self.store,
                tenant,
                advisor=self.namer,
                agents=agents,
                now=self.now(),
                on_progress=self._telling("writing headlines"),
            )
        return n_examined

    def group(self, tenant: str) -> int:
        """Embed and group all failures."""
        self.listener("grouping failures", 0, 1)
        owner_of = owner_finder(self.store, tenant, self.agents(tenant))
        n_modes = group(self.store, tenant, encoder=self.encoder, owner_of=owner_of)
        self.listener("grouping failures", 1, 1)
        if self.namer is not None:
            write_titles(
                self.store,
                tenant,
                advisor=self.namer,
                encoder=self.encoder,
                now=self.now(),
                on_progress=self._telling("writing titles"),
            )
        return n_modes

    def choose(self, tenant: str) -> list[Task]:
        """Return the failure modes worth an attempt now, most severe first."""
        return Choosing(ledger=self.ledger, has_model=self.model is not None).choose(tenant)

    def draft(self, tenant: str, task: Task) -> list[str]:
        """Draft proposals for one failure mode and keep them; the model is asked when those of recipes did not hold."""
        mode = self.ledger.mode(tenant, task.failure_mode_id)
        self.listener(f"drafting: {mode.title}", 0, 1)
        agent = self.ledger.or_fault(tenant, mode, lambda: self.ledger.agent_of(tenant, mode))
        proposal_ids = None
        if agent is not None:
            base_sha = agent.base.sha
            proposal_ids = self.ledger.or_fault(
                tenant, mode, lambda: self.workshop.draft(tenant, mode, agent, task.tried), base_sha=base_sha
            )
        self.listener(f"drafting: {mode.title}", 1, 1)
        return proposal_ids or []

    def verify(self, tenant: str, proposal_id: str) -> Verdict:
        """Try a proposal; keep the evidence and the verdict."""
        proposal = self.ledger.proposal(tenant, proposal_id)
        mode = self.ledger.mode(tenant, proposal.failure_mode_id)
        evidence = self.ledger.or_fault(
            tenant,
            mode,
            lambda: self.workshop.try_out(tenant, proposal, mode, self.ledger.agent_of(tenant, mode)),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )
        if evidence is None:
            return Verdict.FAULT
        self.ledger.settle(tenant, mode, proposal, evidence)
        return evidence.verdict

    def submit(self, tenant: str, proposal_id: str, *, asked: bool = False) -> str | None:
        """Open the pull request of a verified proposal; None, with a recorded verdict, when that cannot be done now.

        Parameters
        ----------
        asked
            Whether a person wants this one: it does not wait for a place.

        """
        proposal = self.ledger.proposal(tenant, proposal_id)
        mode = self.ledger.mode(tenant, proposal.failure_mode_id)
        opening = Opening(ledger=self.ledger)
        # Whether there is a place, and whether the fix is proposed already, is looked up before anything is opened.
        with self.store.turn(f"submit/{tenant}"):
            # Opened before the process died: then it is there, and takes no second place.
            pull_request = opening.own(tenant, proposal) or self.ledger.or_fault(
                tenant,
                mode,
                lambda: opening.open(tenant, mode, proposal, asked=asked),
                base_sha=proposal.base_sha,
                proposal_id=proposal_id,
            )
        return None if pull_request is None else pull_request.url

    def report(self, tenant: str, proposal_id: str) -> None:
        """Show the evidence as a check run on the pull request; without one, the body still says it all."""
        proposal = self.ledger.proposal(tenant, proposal_id)
        mode = self.ledger.mode(tenant, proposal.failure_mode_id)
        self.ledger.or_fault(
            tenant,
            mode,
            lambda: Opening(ledger=self.ledger).report(tenant, mode, proposal),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )

    def show(self, tenant: str) -> None:
        """Bring the dashboard issues up to date."""
        write_boards(self.store, tenant, self.agents(tenant), self.ledger.queue, self.discretions.of(tenant))

    def prove(self, tenant: str) -> None:
        """Say, on each merged pull request, what production says of it, and learn from what was said of all of them."""
        shown = self.discretions.of(tenant)
        prove(self.store, tenant, self.forge_of, now=self.now(), shown=shown)
        learn(self.store, tenant, discretion=shown, now=self.now())

    def give_up(self, tenant: str, task: Task, reason: str) -> None:
        """Record that an attempt ended in an error of the machinery; it is made again, at most once an hour."""
        mode = self.ledger.mode(tenant, task.failure_mode_id)
        self.ledger.record(tenant, mode, verdict=Verdict.FAULT, reason=one_line(reason, limit=MAX_REASON))

    def reexamine(self, tenant: str, proposal_id: str) -> Verdict | None:
        """Gather the evidence again for an open pull request as it is now; None, with a verdict, when that fails."""
        return self.changes.reexamine(tenant, proposal_id)

    def reopen(self, tenant: str, proposal_id: str) -> None:
        """Take a closed pull request up again, because a person asked; where that cannot be, let another one follow."""
        self.changes.reopen(tenant, proposal_id)

    def answer_review(self, tenant: str, proposal_id: str) -> None:
        """Answer what reviewers said with one new commit, or with the reason why there is none."""
        quiet = timedelta(seconds=self.review_quiet_s)
        self.changes.change(tenant, proposal_id, lambda revising: revising.answer_review(quiet=quiet))

    def rebase(self, tenant: str, proposal_id: str) -> None:
        """Build the branch of a pull request on today's default branch, or say why not."""
        self.changes.change(tenant, proposal_id, Revising.rebase)

    def split(self, tenant: str, proposal_id: str, *, by: str) -> None:
        """Part the failure mode of a pull request by a property of its failures, or say by which that can be."""
        self.changes.split(tenant, proposal_id, by=by, encoder=self.encoder)

    def do(self, errand: Errand) -> None:
        """Do what somebody asked for on a pull request."""
        work: dict[Kind, Callable[[str, str], object]] = {
            Kind.REEXAMINE: self.reexamine,
            Kind.REOPEN: self.reopen,
            Kind.REVIEW: self.answer_review,
            Kind.REBASE: self.rebase,
            Kind.SPLIT: partial(self.split, by=errand.words),
        }
        work[errand.kind](errand.tenant, errand.proposal_id)

    def watch(self, delivery_id: str) -> list[Errand]:
        """Do what a kept delivery asks for at once; return what is to be done in its turn."""
        asked: list[Errand] = []
        delivery = self.store.delivery(delivery_id)
        if delivery is not None:
            means = Means(
                store=self.store,
                forge_of=self.forge_of,
                now=self.now,
                discretions=self.discretions,
                start=lambda errand: asked.append(self._timed(errand)),
                end_work=self.end_work,
            )
            handle(delivery, means)
        self.store.mark_handled(delivery_id)
        return asked

    def _timed(self, errand: Errand) -> Errand:
        return errand._replace(delay_s=self.review_quiet_s) if errand.kind is Kind.REVIEW else errand

    @property
    def ledger(self) -> Ledger:
        """What the stages look up and write down."""
        return Ledger(store=self.store, forge_of=self.forge_of, discretions=self.discretions, now=self.now)

    @property
    def workshop(self) -> Workshop:
        """Where fixes are drafted and tried."""
        return Workshop(
            ledger=self.ledger,
            sandbox=self.sandbox,
            no_sandbox=self.no_sandbox,
            recipes=self.recipes,
            model=self.model,
            a_day=self.a_day,
            live=self.live,
            listener=self.listener,
        )

    @property
    def changes(self) -> Changes:
        """What people ask for on a pull request."""
        return Changes(workshop=self.workshop)

    def agents(self, tenant: str) -> Agents:
        """Read the agents of a tenant's repositories, each on its default branch now."""
        return self.ledger.agents(tenant)

    def _telling(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.listener(stage, done, total)
