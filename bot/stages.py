"""The stages as the product runs them: what `bot.pipeline` strings together, with everything they need."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from bot.agents import Agent, Agents, read_agents
from bot.board import read_boards, write_boards
from bot.bundle import bundle
from bot.discretion import Discretions
from bot.errand import Errand, Kind
from bot.errors import BotError, ForgeError, NoAgent, UnknownFailureMode
from bot.examine import examine
from bot.first_contact import ask_everyone
from bot.forge.errors import Refused, Unavailable
from bot.forge.forge import Forge, State
from bot.group import group
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.mend import draft_fixes, try_fix
from bot.outcome import Decision, Outcome
from bot.owners import reviewers
from bot.pipeline import Task
from bot.policy import ESCAPABLE, UNSETTLED, Attempt, worth_mending
from bot.pr_body.comments import ANOTHER_MAY_FOLLOW, NOT_CLOSED, REOPENED, also_mends
from bot.pr_body.escape import one_line
from bot.prove import prove
from bot.pull_request import PullRequest
from bot.queue import Queue
from bot.reexamine import present_proposal
from bot.refused import ask_why, take_silence
from bot.revise import Revising
from bot.same_fix import applies, is_there, patch_id
from bot.second_chance import may_try_again
from bot.service_owners import owner_finder
from bot.sticky import answer
from bot.store.pull_requests import Opened
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from bot.submit import body_of, report, submit
from bot.work import end_work
from clustering.embed import Encoder
from clustering.errors import ClusteringError
from clustering.failure_mode import FailureMode, Status
from fixers.draft import RECIPES, Drafted
from fixers.errors import FixerError
from fixers.evidence import Evidence, Verdict
from fixers.harness import Autonomy
from fixers.model import Model
from fixers.proposal import Proposal
from fixers.replay.cassette import record
from fixers.replay.playback import LiveModel
from fixers.revision import Revision
from fixers.sandbox import Sandbox
from webhooks.errors import WebhookError

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CARRIED = 3  # fixes of older commits that are looked at
MAX_REASON = 500  # characters of an error that are kept with a verdict
# What may go wrong around one failure mode without being a mistake of ours.
EXPECTED = (BotError, FixerError, ClusteringError, WebhookError, OSError)


class Listener(Protocol):
    """Told how far a stage is; the command line draws bars of it."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`stage` is a few words for a person; `done` reaches `total` when it ends."""


def silent(stage: str, done: int, total: int) -> None:
    """Listen to nothing."""


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
    model: Model | None = None
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
        return examine(
            self.store, tenant, agents=agents, quiet_s=self.quiet_s, on_progress=self._telling("detecting failures")
        )

    def group(self, tenant: str) -> int:
        """Embed and group all failures."""
        self.listener("grouping failures", 0, 1)
        owner_of = owner_finder(self.store, tenant, self.agents(tenant))
        n_modes = group(self.store, tenant, encoder=self.encoder, owner_of=owner_of)
        self.listener("grouping failures", 1, 1)
        return n_modes

    def choose(self, tenant: str) -> list[Task]:
        """Return the failure modes worth an attempt now, most severe first."""
        ask_everyone(self.store, tenant, self.forge_of)
        take_silence(self.store, tenant, now=self.now())
        agents = self.agents(tenant)
        self._ask_for_states(tenant, agents)
        read_boards(self.store, tenant, agents)
        alive = self.store.modes_with_members(tenant)  # of the others the traces are deleted, the counts are history
        modes = [mode for mode in self.store.failure_modes(tenant) if mode.n_traces and mode.id in alive]
        owners = {mode.id: agents.owner_of(self._service(tenant, mode)) for mode in modes}
        attempts, proposed = self._attempts(tenant), self._proposed(tenant, modes, owners)
        open_modes = [mode for mode in modes if mode.id not in proposed]
        base_shas = self.queue.admitted(tenant, open_modes, owners)
        for mode in modes:
            if agents.unreadable and owners[mode.id] is None and mode.id not in proposed:
                self._record(tenant, mode, verdict=Verdict.FAULT, reason=_unowned(agents))
        chosen = worth_mending(
            modes,
            attempts=attempts,
            proposed=proposed,
            base_shas=base_shas,
            traffic=self.store.traffic_of_all(tenant),
        )
        in_queue = {entry.failure_mode_id for entry in self.store.waiting(tenant)}
        return [
            Task(
                mode.id, self._attempt(mode, base_shas[mode.id], attempts.get(mode.id, []), waited=mode.id in in_queue)
            )
            for mode in chosen
        ]

    def draft(self, tenant: str, task: Task) -> list[str]:
        """Draft proposals for one failure mode and keep them; the model is asked when those of recipes did not hold."""
        mode = self._mode(tenant, task.failure_mode_id)
        self.listener(f"drafting: {mode.title}", 0, 1)
        agent = self._or_fault(tenant, mode, lambda: self._agent_of(tenant, mode))
        proposal_ids = None
        if agent is not None:
            base_sha = agent.base.sha
            proposal_ids = self._or_fault(
                tenant, mode, lambda: self._drafted(tenant, mode, agent, task.tried), base_sha=base_sha
            )
        self.listener(f"drafting: {mode.title}", 1, 1)
        return proposal_ids or []

    def verify(self, tenant: str, proposal_id: str) -> Verdict:
        """Try a proposal; keep the evidence and the verdict."""
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        evidence = self._or_fault(
            tenant,
            mode,
            lambda: self.try_proposal(tenant, proposal, mode, self._agent_of(tenant, mode)),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )
        if evidence is None:
            return Verdict.FAULT
        self._settle(tenant, mode, proposal, evidence)
        return evidence.verdict

    def try_proposal(self, tenant: str, proposal: Proposal, mode: FailureMode, agent: Agent) -> Evidence:
        """Return the evidence on a proposal; without isolation, or on another base by now, nothing is run."""
        if self.sandbox is None:
            return _untried(proposal, Verdict.NO_SANDBOX, self.no_sandbox)
        if agent.base.sha != proposal.base_sha:
            moved = f"the base moved from {proposal.base_sha[:12]} to {agent.base.sha[:12]} since the fix was drafted"
            return _untried(proposal, Verdict.DOES_NOT_APPLY, moved)
        return try_fix(
            self.store,
            tenant,
            proposal,
            mode,
            agent=agent,
            sandbox=self.sandbox,
            live=self.live,
            n_candidates=len(self._candidates(tenant, mode, proposal.base_sha)),
            on_progress=self._telling(f"verifying: {mode.title}"),
        )

    def submit(self, tenant: str, proposal_id: str, *, asked: bool = False) -> str | None:
        """Open the pull request of a verified proposal; None, with a recorded verdict, when that cannot be done now.

        Parameters
        ----------
        asked
            Whether a person wants this one: it does not wait for a place.

        """
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        # Whether there is a place, and whether the fix is proposed already, is looked up before anything is opened.
        with self.store.turn(f"submit/{tenant}"):
            # Opened before the process died: then it is there, and takes no second place.
            pull_request = self._own(tenant, proposal) or self._or_fault(
                tenant,
                mode,
                lambda: self._opened(tenant, mode, proposal, asked=asked),
                base_sha=proposal.base_sha,
                proposal_id=proposal_id,
            )
        return None if pull_request is None else pull_request.url

    def report(self, tenant: str, proposal_id: str) -> None:
        """Show the evidence as a check run on the pull request; without one, the body still says it all."""
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        self._or_fault(
            tenant,
            mode,
            lambda: self._reported(tenant, mode, proposal),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )

    def show(self, tenant: str) -> None:
        """Bring the dashboard issues up to date."""
        write_boards(self.store, tenant, self.agents(tenant), self.queue, self.discretions.of(tenant))

    def prove(self, tenant: str) -> None:
        """Say, on each merged pull request, what production says of it."""
        prove(self.store, tenant, self.forge_of, now=self.now())

    def give_up(self, tenant: str, task: Task, reason: str) -> None:
        """Record that an attempt ended in an error of the machinery; it is made again, at most once an hour."""
        mode = self._mode(tenant, task.failure_mode_id)
        self._record(tenant, mode, verdict=Verdict.FAULT, reason=one_line(reason, limit=MAX_REASON))

    def reexamine(self, tenant: str, proposal_id: str) -> Verdict | None:
        """Gather the evidence again for an open pull request as it is now; None, with a verdict, when that fails."""
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        return self._or_fault(
            tenant,
            mode,
            lambda: self._reexamined(tenant, mode, proposal),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )

    def reopen(self, tenant: str, proposal_id: str) -> None:
        """Take a closed pull request up again, because a person asked; where that cannot be, let another one follow."""
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        self._or_fault(tenant, mode, lambda: self._reopened(tenant, mode, proposal_id), proposal_id=proposal_id)

    def answer_review(self, tenant: str, proposal_id: str) -> None:
        """Answer what reviewers said with one new commit, or with the reason why there is none."""
        quiet = timedelta(seconds=self.review_quiet_s)
        self._change(tenant, proposal_id, lambda revising: revising.answer_review(quiet=quiet))

    def rebase(self, tenant: str, proposal_id: str) -> None:
        """Build the branch of a pull request on today's default branch, or say why not."""
        self._change(tenant, proposal_id, Revising.rebase)

    def do(self, errand: Errand) -> None:
        """Do what somebody asked for on a pull request."""
        work: dict[Kind, Callable[[str, str], object]] = {
            Kind.REEXAMINE: self.reexamine,
            Kind.REOPEN: self.reopen,
            Kind.REVIEW: self.answer_review,
            Kind.REBASE: self.rebase,
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
    def queue(self) -> Queue:
        """What decides which fixes go out and which wait."""
        return Queue(store=self.store, now=self.now)

    def agents(self, tenant: str) -> Agents:
        """Read the agents of a tenant's repositories, each on its default branch now."""
        return read_agents(self.store.repositories(tenant), lambda repository: self.forge_of(tenant, repository))

    def _ask_for_states(self, tenant: str, agents: Agents) -> None:
        """Ask each forge what became of our open pull requests: a delivery may have been missed."""
        forges = {agent.forge.repository: agent.forge for agent in agents.readable}
        for opened in self.store.pull_requests(tenant):
            forge = forges.get(opened.pull_request.repository)
            if forge is None or opened.pull_request.state != State.OPEN:
                continue
            try:
                state = forge.pull_request_state(opened.pull_request)
            except ForgeError as error:
                log.warning("%s is asked again in the next run: %s", opened.pull_request.url, error)
                continue
            if state is not State.OPEN:
                self._ended(tenant, opened, state)

    def _ended(self, tenant: str, opened: Opened, state: State) -> None:
        """Note that a pull request was found to have ended; nobody told us who decided."""
        outcome = Outcome(
            delivery_id=f"asked:{opened.pull_request.head_branch}:{state}",
            proposal_id=opened.proposal_id,
            decision=Decision.MERGED if state is State.MERGED else Decision.REFUSED,
            actor="",
            words="",
            decided_at=self.now(),
        )
        self.store.record_outcome(tenant, outcome)
        self.store.set_pull_request_state(tenant, opened.pull_request, state)
        if state is State.CLOSED:
            forge = self.forge_of(tenant, opened.pull_request.repository)
            ask_why(self.store, tenant, opened, forge=forge, now=self.now())

    def _proposed(
        self, tenant: str, modes: Sequence[FailureMode], owners: Mapping[str, Agent | None]
    ) -> frozenset[str]:
        """Return the failure modes that have had their pull request, and get no other by themselves."""
        proposed = self.store.proposed_modes(tenant)
        again = {
            mode.id
            for mode in modes
            if mode.id in proposed
            and (agent := owners[mode.id]) is not None
            and self._has_second_chance(tenant, mode, agent.base.sha)
        }
        return proposed - again

    def _has_second_chance(self, tenant: str, mode: FailureMode, base_sha: str) -> bool:
        opened = self.store.pull_requests_of_mode(tenant, mode.id)
        refusals = [each for each in self.store.refusals(tenant) if each.failure_mode_id == mode.id]
        closed = all(each.pull_request.state == State.CLOSED for each in opened)
        return closed and may_try_again(mode, refusals, base_sha=base_sha)

    def _service(self, tenant: str, mode: FailureMode) -> str:
        if mode.service:
            return mode.service
        failures = self.store.failures_of_mode(tenant, mode.id)
        return failures[0].service if failures else ""

    def _attempt(self, mode: FailureMode, base_sha: str, earlier: Sequence[Attempt], *, waited: bool) -> str:
        """Name an attempt, so that it is made once; what was left unsettled is tried again, at most once an hour.

        A verified fix that has waited goes out as soon as there is a place.
        """
        name = f"{base_sha[:12]}-{mode.n_traces}"
        if not earlier or earlier[-1].verdict not in UNSETTLED:
            return name
        at_once = waited and earlier[-1].verdict is Verdict.VERIFIED
        return f"{name}-{self.now():%Y%m%d%H%M}" if at_once else f"{name}-{self.now():%Y%m%d%H}"

    def _attempts(self, tenant: str) -> Mapping[str, list[Attempt]]:
        return {
            mode_id: [
                Attempt(
                    failure_mode_id=mode_id,
                    base_sha=verdict.base_sha,
                    n_traces=verdict.n_traces,
                    verdict=verdict.verdict,
                )
                for verdict in recorded
            ]
            for mode_id, recorded in self.store.verdicts(tenant).items()
        }

    def _drafted(self, tenant: str, mode: FailureMode, agent: Agent, tried: Collection[str]) -> list[str]:
        """Return the ids of proposals to try: those that were never judged, else new ones."""
        if tried and not self._may_ask_model(tenant, tried):
            return []
        refused = self.store.proposals_of_mode(tenant, mode.id, state=State.CLOSED)
        if not tried and not refused:
            self._carry_over(tenant, mode, agent)
        over = {*tried, *(proposal.id for proposal in refused)}
        candidates = [proposal.id for proposal in self._candidates(tenant, mode, agent.base.sha)]
        if waiting := [each for each in candidates if each not in over and self._is_unjudged(tenant, each)]:
            return waiting
        drafted = draft_fixes(
            self.store,
            tenant,
            mode,
            agent=agent,
            recipes=() if tried or refused else RECIPES,  # they would draft what was refused
            model=self.model,
            sandbox=self.sandbox,
        )
        fresh = [proposal for proposal in drafted.proposals if proposal.id not in over]
        for proposal in fresh:
            self.store.save_proposal(tenant, proposal)
        if not fresh:
            reason = "; ".join(drafted.notes) or "nothing fits"
            self._record(tenant, mode, base_sha=agent.base.sha, verdict=Verdict.NO_PROPOSAL, reason=reason)
        return [proposal.id for proposal in fresh]

    def _may_ask_model(self, tenant: str, tried: Collection[str]) -> bool:
        """Tell whether the model may do better than the recipes did; it is paid for one proposal an attempt."""
        if self.model is None:
            return False
        recipes = [self._proposal(tenant, each).author.startswith("recipe:") for each in tried]
        found = [self.store.evidence_of(tenant, each) for each in tried]
        return all(recipes) and all(evidence is not None and evidence.verdict in ESCAPABLE for evidence in found)

    def _candidates(self, tenant: str, mode: FailureMode, base_sha: str) -> list[Proposal]:
        """Return every proposal for the failure mode on one commit: the more are tried, the stricter the test."""
        return [each for each in self.store.proposals_of_mode(tenant, mode.id) if each.base_sha == base_sha]

    def _is_unjudged(self, tenant: str, proposal_id: str) -> bool:
        evidence = self.store.evidence_of(tenant, proposal_id)
        return evidence is None or evidence.verdict in UNSETTLED

    def _carry_over(self, tenant: str, mode: FailureMode, agent: Agent) -> None:
        """Put a fix that was verified on an older commit onto this one where it still applies, to be tried again."""
        older = [each for each in self.store.proposals_of_mode(tenant, mode.id) if each.base_sha != agent.base.sha]
        for proposal in older[-MAX_CARRIED:]:
            evidence = self.store.evidence_of(tenant, proposal.id)
            verified = evidence is not None and evidence.verdict is Verdict.VERIFIED
            if verified and applies(proposal, agent.read_file) and not is_there(proposal, agent.read_file):
                self.store.save_proposal(tenant, replace(proposal, base_sha=agent.base.sha))

    def _own(self, tenant: str, proposal: Proposal) -> PullRequest | None:
        opened = self.store.pull_requests_of_mode(tenant, proposal.failure_mode_id)
        return next((each.pull_request for each in opened if each.proposal_id == proposal.id), None)

    def _opened(self, tenant: str, mode: FailureMode, proposal: Proposal, *, asked: bool) -> PullRequest | None:
        evidence, agent = self._evidence(tenant, proposal.id), self._agent_of(tenant, mode)
        others = [each for each in self.store.pull_requests_of_mode(tenant, mode.id) if each.proposal_id != proposal.id]
        if others and not self._has_second_chance(tenant, mode, agent.base.sha):
            return None  # opened while this one was tried: never a second one
        standing = self.queue.standing(tenant, agent)
        if standing.autonomy is Autonomy.OBSERVE:
            raise NoAgent(f"the autonomy of {agent.harness.name!r} is observe: no pull request is opened")
        if why := self._why_not_needed(tenant, mode, proposal, agent):
            self._settle(tenant, mode, proposal, replace(evidence, verdict=Verdict.DUPLICATE, reason=why))
            return None
        if agent.base.sha != proposal.base_sha:
            self._record_moved(tenant, mode, proposal, agent)
            return None
        if not asked and self.queue.must_wait(tenant, mode.id, agent, base_sha=proposal.base_sha):
            return None
        shown = self.discretions.of(tenant)
        try:
            opened = submit(
                shown.proposal(proposal),
                shown.evidence(evidence),
                shown.mode(mode),
                traffic=self.store.traffic_of_all(tenant),
                forge=agent.forge,
                harness=agent.harness,
                branch=agent.base.branch,
                bundle=self._bundle(tenant, mode, proposal, evidence),
                ready=standing.autonomy is Autonomy.READY,
            )
        except Refused as error:
            self._settle(tenant, mode, proposal, replace(evidence, verdict=Verdict.OUT_OF_SCOPE, reason=str(error)))
            return None
        self.store.save_pull_request(tenant, opened, proposal_id=proposal.id, agent=agent.harness.name)
        self.store.stop_waiting(tenant, mode.id)
        if standing.autonomy is Autonomy.READY:
            paths = [edit.path for edit in proposal.edits]
            agent.forge.request_reviews(opened, reviewers(paths, agent.read_file))
        return opened

    def _bundle(self, tenant: str, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> dict[str, str]:
        """Return the evidence in full as it may be shown, with the runs that were tried."""
        shown = self.discretions.of(tenant)
        tried = dict.fromkeys(case.trace_id for case in evidence.cases)
        traces = self.store.load_traces(tenant, tried)
        return bundle(
            shown.proposal(proposal),
            shown.evidence(evidence),
            shown.mode(mode),
            (record(traces[trace_id]) for trace_id in tried if trace_id in traces),
            redact=shown.text,
        )

    def _why_not_needed(self, tenant: str, mode: FailureMode, proposal: Proposal, agent: Agent) -> str | None:
        """Return why this fix needs no pull request, noted on the one that has it; None when it needs its own."""
        if agent.base.sha != proposal.base_sha and is_there(proposal, agent.read_file):
            return f"the fix is on {agent.base.branch} since {agent.base.sha[:12]}"
        twin = self._twin(tenant, proposal, agent)
        if twin is None:
            return None
        if twin.pull_request.state == State.OPEN:
            agent.forge.comment_once(
                twin.pull_request, f"also-{mode.id}", also_mends(self.discretions.of(tenant).mode(mode))
            )
        return f"the same fix is in {twin.pull_request.url} ({twin.pull_request.state})"

    def _twin(self, tenant: str, proposal: Proposal, agent: Agent) -> Opened | None:
        """Return the pull request for another failure mode of this repository that has the same patch."""
        patch = patch_id(proposal)
        for opened in reversed(self.store.pull_requests(tenant)):
            other = self.store.proposal(tenant, opened.proposal_id)
            here = opened.pull_request.repository == agent.forge.repository and opened.proposal_id != proposal.id
            if here and other is not None and patch_id(other) == patch:
                return opened
        return None

    def _record_moved(self, tenant: str, mode: FailureMode, proposal: Proposal, agent: Agent) -> None:
        moved = f"the base moved to {agent.base.sha[:12]} since the fix was verified: it is tried again there"
        self._record(
            tenant,
            mode,
            base_sha=proposal.base_sha,
            proposal_id=proposal.id,
            verdict=Verdict.DOES_NOT_APPLY,
            reason=moved,
        )

    def _reported(self, tenant: str, mode: FailureMode, proposal: Proposal) -> None:
        agent, shown = self._agent_of(tenant, mode), self.discretions.of(tenant)
        told, evidence = shown.proposal(proposal), shown.evidence(self._evidence(tenant, proposal.id))
        for opened in self.store.pull_requests_of_mode(tenant, mode.id):
            if opened.proposal_id == proposal.id:
                report(opened.pull_request, told, evidence, forge=agent.forge, manners=agent.harness.manners)

    def _reexamined(self, tenant: str, mode: FailureMode, proposal: Proposal) -> Verdict:
        """Try what the pull request proposes now, and show it where the first evidence is shown."""
        agent = self._agent_of(tenant, mode)
        opened = self.store.pull_requests_of_mode(tenant, mode.id)[0]
        proposal = self._proposal(tenant, opened.proposal_id)  # a review may have changed it since this was asked for
        pull_request, forge = opened.pull_request, agent.forge
        head_sha = forge.head_sha(pull_request)
        now = present_proposal(proposal, pull_request, head_sha=head_sha, base=agent.base, forge=forge)
        there = replace(agent, base=replace(agent.base, sha=now.base_sha))
        evidence = replace(self.try_proposal(tenant, now, mode, there), proposal_id=proposal.id)
        self._settle(tenant, mode, proposal, evidence)
        shown = self.discretions.of(tenant)
        told, evidence = shown.proposal(now), shown.evidence(evidence)
        report(replace(pull_request, head_sha=head_sha), told, evidence, forge=forge, manners=agent.harness.manners)
        traffic, manners = self.store.traffic_of_all(tenant), agent.harness.manners
        body = body_of(
            shown.proposal(proposal),
            evidence,
            shown.mode(mode),
            traffic=traffic,
            forge=forge,
            manners=manners,
            bundle=self._bundle(tenant, mode, proposal, evidence),
            branch=pull_request.head_branch,
        )
        forge.update_body(pull_request, body)
        return evidence.verdict

    def _change(self, tenant: str, proposal_id: str, change: Callable[[Revising], None]) -> None:
        proposal = self._proposal(tenant, proposal_id)
        mode = self._mode(tenant, proposal.failure_mode_id)
        away: list[Unavailable] = []

        def attempt() -> None:
            try:
                change(self._revising(tenant, mode))
            except Unavailable as error:
                away.append(error)

        with self.store.turn(f"change/{tenant}/{mode.id}"):
            self._or_fault(tenant, mode, attempt, proposal_id=proposal_id)
        if away:
            raise away[0]  # the step is tried again: somebody waits for an answer

    def _revising(self, tenant: str, mode: FailureMode) -> Revising:
        """Return the newest pull request of a failure mode with the proposal that it shows now."""
        agent, opened = self._agent_of(tenant, mode), self.store.pull_requests_of_mode(tenant, mode.id)[0]
        proposal = self._proposal(tenant, opened.proposal_id)

        def on(base_sha: str) -> Agent:
            return replace(agent, base=replace(agent.base, sha=base_sha))

        def try_out(drafted: Proposal) -> Evidence:
            evidence = self.try_proposal(tenant, drafted, mode, on(drafted.base_sha))
            self._settle(tenant, mode, drafted, evidence)
            return evidence

        def draft(revision: Revision) -> Drafted:
            there, model, sandbox = on(proposal.base_sha), self.model, self.sandbox
            return draft_fixes(
                self.store, tenant, mode, agent=there, recipes=(), model=model, sandbox=sandbox, revision=revision
            )

        return Revising(
            store=self.store,
            tenant=tenant,
            mode=mode,
            agent=agent,
            opened=opened,
            proposal=proposal,
            try_out=try_out,
            draft=draft,
            bundle=lambda drafted, evidence: self._bundle(tenant, mode, drafted, evidence),
            discretion=self.discretions.of(tenant),
            now=self.now,
        )

    def _reopened(self, tenant: str, mode: FailureMode, proposal_id: str) -> None:
        opened = next(each for each in self.store.pull_requests(tenant) if each.proposal_id == proposal_id)
        pull_request, forge = opened.pull_request, self._agent_of(tenant, mode).forge
        told = REOPENED
        if forge.pull_request_state(pull_request) is State.MERGED:
            told = NOT_CLOSED
        elif forge.reopen(pull_request):
            self.store.set_pull_request_state(tenant, pull_request, State.OPEN)
            self.store.set_status(tenant, mode.id, Status.ONGOING)
            self.store.forget_refusal(tenant, proposal_id)
            self.reexamine(tenant, proposal_id)
        else:
            self.store.set_status(tenant, mode.id, Status.ONGOING)
            self.store.ask_again(tenant, mode.id)
            told = ANOTHER_MAY_FOLLOW
        answer(self.store, tenant, pull_request, "reopen", told, forge=forge)

    def _mode(self, tenant: str, mode_id: str) -> FailureMode:
        mode = self.store.failure_mode(tenant, mode_id)
        if mode is None:
            raise UnknownFailureMode(f"tenant {tenant!r} has no failure mode {mode_id!r}")
        return mode

    def _agent_of(self, tenant: str, mode: FailureMode) -> Agent:
        agents, service = self.agents(tenant), self._service(tenant, mode)
        owner = agents.owner_of(service)
        if owner is None:
            why = _unowned(agents) if agents.unreadable else f"no connected agent has the service {service!r}"
            raise NoAgent(why)
        return owner

    def _proposal(self, tenant: str, proposal_id: str) -> Proposal:
        proposal = self.store.proposal(tenant, proposal_id)
        if proposal is None:
            raise LookupError(f"no proposal {proposal_id!r} of tenant {tenant!r}")
        return proposal

    def _evidence(self, tenant: str, proposal_id: str) -> Evidence:
        evidence = self.store.evidence_of(tenant, proposal_id)
        if evidence is None:
            raise LookupError(f"no evidence on proposal {proposal_id!r} of tenant {tenant!r}")
        return evidence

    def _or_fault(
        self,
        tenant: str,
        mode: FailureMode,
        do: Callable[[], T],
        *,
        base_sha: str = "",
        proposal_id: str | None = None,
    ) -> T | None:
        """Return what `do` returns, or None with a recorded verdict when something around the proposal failed."""
        try:
            return do()
        except EXPECTED as error:
            reason = str(error)
        except Exception as error:  # the worker's: one failure mode's trouble is recorded and must not stop the others
            log.exception("failure mode %s of tenant %s", mode.id, tenant)
            reason = f"{type(error).__name__}: {error}"
        self._record(
            tenant,
            mode,
            base_sha=base_sha,
            proposal_id=proposal_id,
            verdict=Verdict.FAULT,
            reason=one_line(reason, limit=MAX_REASON),
        )
        return None

    def _settle(self, tenant: str, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> None:
        """Keep the evidence and its verdict."""
        self.store.save_evidence(tenant, evidence)
        self._record(
            tenant,
            mode,
            base_sha=proposal.base_sha,
            proposal_id=proposal.id,
            verdict=evidence.verdict,
            reason=evidence.reason,
        )

    def _record(
        self,
        tenant: str,
        mode: FailureMode,
        *,
        verdict: Verdict,
        reason: str,
        base_sha: str = "",
        proposal_id: str | None = None,
    ) -> None:
        recorded = RecordedVerdict(
            failure_mode_id=mode.id,
            proposal_id=proposal_id,
            base_sha=base_sha,
            n_traces=mode.n_traces,
            verdict=verdict,
            reason=reason,
            decided_at=self.now(),
        )
        self.store.save_verdict(tenant, recorded)

    def _telling(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.listener(stage, done, total)


def _untried(proposal: Proposal, verdict: Verdict, reason: str) -> Evidence:
    return Evidence(proposal_id=proposal.id, verdict=verdict, reason=reason, isolation="not run")


def _unowned(agents: Agents) -> str:
    told = "; ".join(f"{repository}: {why}" for repository, why in agents.unreadable.items())
    return one_line(f"its agent is not known while a repository cannot be read: {told}", limit=MAX_REASON)
