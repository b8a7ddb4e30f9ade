"""The agent fixer: query the model, run its tool calls, until it submits or its budget ends."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any

from fixers import tools
from fixers.archive import Attempt
from fixers.assignment import Assignment
from fixers.digest import digest
from fixers.errors import FixerError, TreeTooLarge
from fixers.harness import Harness
from fixers.lessons import tell
from fixers.model import Model, Reply
from fixers.proposal import Proposal
from fixers.quoting import clean
from fixers.revision import Revision, apply_to
from fixers.sandbox import Sandbox
from fixers.scope import violations
from fixers.submission import Submission, check_submission, told_siblings, try_out
from fixers.workspace import Refused, Workspace, open_workspace
from webhooks.messages import ToolCall

MAX_DURATION_S = 3600.0
MAX_CALLS = 10  # in one answer
MAX_REPEATS = 4
MAX_SILENT = 3  # answers in a row without a tool call
MAX_REFUSED = 3  # submissions
MAX_DECLINED = 500  # characters of its reason
LAST_STEPS = 5  # from here on the model is told how many answers are left
DIGEST_SHARE = 20  # every answer pays for the digest again, so it gets a twentieth of the tokens

IN_PUBLIC = (
    "\n\nEverybody can read this repository, and nobody may read there what users or tools said. So quote recorded "
    "runs in `quotes` alone: in code, tests and all other texts invent names, numbers and sentences."
)
QUOTING = "everybody can read this repository, and {words!r} is in recorded runs and not in its files: invent another"
SILENT = "No tool was called. Call a tool; when the work is done, call submit."


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """How one run of the agent ended."""

    #: None when it did not submit one that can be tried.
    proposal: Proposal | None
    #: One sentence: why it ended.
    reason: str
    #: The conversation, as chat completions have it.
    transcript: tuple[Mapping[str, Any], ...]
    tokens: int
    cost_usd: float


def run_agent(
    model: Model,
    assignment: Assignment,
    *,
    sandbox: Sandbox,
    may_edit: Callable[[str], str | None],
    attempts: Sequence[Attempt] = (),
    revision: Revision | None = None,
    lessons: Sequence[tuple[str, str]] = (),
    clock: Callable[[], float] = time.monotonic,
) -> AgentRun:
    """Let the model look for a fix; whatever goes wrong on its side becomes the reason of a run without a proposal.

    Parameters
    ----------
    model
        Who is asked.
    assignment
        What goes wrong, and where; its harness has the budget.
    sandbox
        Where the model's commands run.
    may_edit
        Returns the reason why a path may not be edited, or None.
    attempts
        What was tried on the failure mode before, oldest first.
    revision
        A proposal to change, and what reviewers say of it; None to start from the checkout.
    lessons
        What earlier fixes came to, (who said it, what): data.
    clock
        Seconds, as `time.monotonic`.

    """
    try:
        workspace = open_workspace(
            assignment.checkout,
            traces=list(assignment.runs.values()),
            failures=assignment.failures,
            may_edit=may_edit,
            sandbox=sandbox,
            timeout_s=assignment.harness.timeout_s,
            attempts=attempts,
        )
        account = _account(assignment, attempts)
    except TreeTooLarge as error:
        return AgentRun(proposal=None, reason=str(error), transcript=(), tokens=0, cost_usd=0.0)
    messages = _opening(assignment.harness, account)
    messages[-1]["content"] += tell(lessons) + (IN_PUBLIC if assignment.in_public else "")
    if revision is not None:
        apply_to(workspace.files, revision.proposal.edits)
        messages[-1]["content"] += revision.ask()
    run = _Run(model=model, workspace=workspace, assignment=assignment, clock=clock, messages=messages)
    return _ended(run, assignment)


def _account(assignment: Assignment, attempts: Sequence[Attempt]) -> str:
    return digest(
        assignment.mode,
        failures=assignment.failures,
        traces=list(assignment.traces.values()),
        healthy=assignment.healthy,
        diagnosis=assignment.diagnosis,
        index=assignment.index,
        attempts=attempts,
        max_tokens=min(10_000, assignment.harness.budget.tokens // DIGEST_SHARE),
    )


def _ended(run: "_Run", assignment: Assignment) -> AgentRun:
    submission, reason = run.until_it_ends()
    proposal = None
    if submission is not None:
        proposal = submission.proposal(
            assignment.mode,
            assignment.base_sha,
            guess=assignment.diagnosis,
            tokens=run.tokens,
            cost_usd=run.cost_usd,
        )
    transcript = tuple(run.messages)
    return AgentRun(proposal=proposal, reason=reason, transcript=transcript, tokens=run.tokens, cost_usd=run.cost_usd)


def _opening(harness: Harness, account: str) -> list[dict[str, Any]]:
    prompts = files("fixers") / "prompts"
    task = Template((prompts / "task.md").read_text()).substitute(
        agent=harness.name,
        test=json.dumps(harness.test),
        replay=json.dumps(harness.replay) if harness.replay else "none",
        allow=", ".join(harness.allow),
        deny=", ".join(harness.deny) or "none listed",
        steps=harness.budget.steps,
        tokens=harness.budget.tokens,
        digest=account,
    )
    system = (prompts / "system.md").read_text()
    return [{"role": "system", "content": system}, {"role": "user", "content": task}]


class _Ended(FixerError):
    """The run is over; the message says why."""


@dataclass(slots=True, kw_only=True)
class _Run:
    """The conversation so far and what it has cost."""

    model: Model
    workspace: Workspace
    assignment: Assignment
    clock: Callable[[], float]
    messages: list[dict[str, Any]]
    steps: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    silent: int = 0
    refused: int = 0
    told_siblings: bool = False
    told_texts: bool = False
    #: How often each call was made since the last edit.
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def harness(self) -> Harness:
        """What may be edited, how it is tested, and the budget."""
        return self.assignment.harness

    def until_it_ends(self) -> tuple[Submission | None, str]:
        """Return what was submitted, or None, and why the run ended."""
        started = self.clock()
        try:
            while True:
                self._check_budget(self.clock() - started)
                submission = self._step()
                if submission is not None:
                    return submission, f"submitted after {self.steps} answers"
        except FixerError as error:
            return None, str(error)

    def _check_budget(self, elapsed_s: float) -> None:
        budget = self.harness.budget
        spent = [
            (self.steps, budget.steps, "{} answers"),
            (self.tokens, budget.tokens, "{} tokens"),
            (self.cost_usd, budget.cost_usd, "{:.2f} US dollars"),
            (elapsed_s, MAX_DURATION_S, "{:.0f} seconds"),
        ]
        for used, limit, unit in spent:
            if used >= limit:
                raise _Ended(f"the budget of {unit.format(limit)} ended before a proposal was submitted")

    def _step(self) -> Submission | None:
        reply = self.model.complete(self.messages, [tool.schema for tool in tools.TOOLS.values()])
        self.steps += 1
        self.tokens += reply.input_tokens + reply.output_tokens
        self.cost_usd += reply.cost_usd
        self.messages.append(_assistant(reply))
        if not reply.tool_calls:
            self._nudge(reply.content)
            return None
        self.silent = 0
        for index, call in enumerate(reply.tool_calls):
            answer = self._answer(call) if index < MAX_CALLS else f"error: at most {MAX_CALLS} calls in one answer"
            said = "accepted" if isinstance(answer, Submission) else answer
            self.messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
            if isinstance(answer, Submission):
                return answer
        self._warn()
        return None

    def _nudge(self, said: str) -> None:
        self.silent += 1
        if self.silent >= MAX_SILENT:
            last = clean(" ".join(said.split()))[:300] or "nothing"
            raise _Ended(f"the model called no tool in {MAX_SILENT} answers in a row; it said: {last}")
        self.messages.append({"role": "user", "content": SILENT})

    def _warn(self) -> None:
        left = self.harness.budget.steps - self.steps
        if left <= LAST_STEPS:
            self.messages[-1]["content"] += f"\n[{left} answers left; submit before they end]"

    def _answer(self, call: ToolCall) -> Submission | str:
        self._count(call)
        if call.name == tools.SUBMIT.name:
            return self._submit(call.arguments)
        if call.name == tools.DECLINE.name:
            return self._decline(call.arguments)
        before = self.workspace.files.copy()
        answer = tools.call(self.workspace, call.name, call.arguments)
        if self.workspace.files != before:
            self.calls.clear()  # running the tests again after an edit is no loop
        return answer

    def _count(self, call: ToolCall) -> None:
        key = f"{call.name} {_canonical(call.arguments)}"
        self.calls[key] += 1
        if self.calls[key] >= MAX_REPEATS:
            shown = clean(" ".join(key.split()))[:200]
            raise _Ended(f"the model made the same call {MAX_REPEATS} times without an edit between: {shown}")

    def _decline(self, arguments: str) -> str:
        try:
            reason = tools.read_arguments(tools.DECLINE, arguments)["reason"]
        except Refused as refusal:
            return f"error: {refusal}"
        raise _Ended(f"the model declined: {clean(' '.join(reason.split()))[:MAX_DECLINED] or 'it gave no reason'}")

    def _submit(self, arguments: str) -> Submission | str:
        reasons, submission = check_submission(arguments, self.workspace)
        if submission is not None and not (reasons := self._objections(submission)):
            return submission
        self.refused += 1
        if self.refused > MAX_REFUSED:
            raise _Ended(f"the submission was refused {self.refused} times, last because {'; '.join(reasons)}"[:1000])
        return "error: not accepted:\n" + "\n".join(f"- {reason}" for reason in reasons)

    def _objections(self, submission: Submission) -> list[str]:
        """Return why a submission that is complete is not taken; of siblings the model is told once."""
        if out_of_scope := violations(submission.edits, self.harness):
            return out_of_scope
        if quoting := self._quoting(submission):
            return quoting
        if not self.told_siblings and (remark := told_siblings(submission, self.workspace)):
            self.told_siblings = True
            self.refused -= 1  # a hint, not a mistake
            return [remark]
        return try_out(submission, self.workspace, self.harness.test)

    def _quoting(self, submission: Submission) -> list[str]:
        """Return which edits strangers may not read; of texts, which can be left out, the model is told once."""
        if not self.assignment.in_public:
            return []
        found = self.assignment.quotes(submission.edits, submission.texts)
        told = [f"{name}: {QUOTING.format(words=words)}" for name, words in found.items()]
        if found.keys() & {edit.path for edit in submission.edits}:
            return told
        if self.told_texts or not told:
            return []
        self.told_texts = True
        self.refused -= 1  # a hint, not a mistake
        return [*told, "submitted so again, these texts are left out of the pull request"]


def _assistant(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content or None}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    return message


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
