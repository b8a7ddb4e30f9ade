"""When a failure mode gets another pull request after the one before ended: a rule, and nothing else.

After people closed one, or merged the revert of one:

It does when a person asks for it. It does by itself when all of this holds for each refusal:

* the reason is not "unwanted";
* the sessions that it hurt since then are at least twice as many as were known then;
* the default branch has changed since then.

After one was merged and proved, when the failure came back: it is regressed, and hurt at least 3 sessions since the
proof. What is merged and not proved keeps its place: production has not said yet that it is no fix.

And then only with another fix: the same lines are never proposed twice.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.outcome import Reason
from bot.refusal import Refusal
from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status

GROWTH = 2
#: Sessions that a regressed failure must have hurt since its fix was proved.
MIN_BACK = 3


def may_try_again(mode: FailureMode, refusals: Sequence[Refusal], *, base_sha: str) -> bool:
    """Tell whether a failure mode whose pull requests were all closed may have another one."""
    return bool(refusals) and all(_is_overtaken(refusal, mode, base_sha) for refusal in refusals)


def may_mend_again(mode: FailureMode, failures: Sequence[Failure], *, answered_at: Sequence[datetime | None]) -> bool:
    """Tell whether a failure mode whose fixes were merged may have another one.

    Parameters
    ----------
    failures
        Its failures.
    answered_at
        When each merged fix was proved; None for one that was not.

    """
    proved = [time for time in answered_at if time is not None]
    if mode.status is not Status.REGRESSED or not proved or len(proved) < len(answered_at):
        return False
    since = max(proved)
    hurt = {failure.session_id or failure.trace_id for failure in failures if failure.occurred_at > since}
    return len(hurt) >= MIN_BACK


def bar(refusal: Refusal) -> str:
    """Say what it would take, in a sentence."""
    return (
        f"I propose nothing more for this failure unless somebody writes `/tracewright reopen`, or all of this holds: "
        f"the reason is not “{Reason.UNWANTED.value}”, it hurts at least {GROWTH * refusal.n_sessions} more sessions "
        f"than the {refusal.n_sessions} known today, and the default branch has changed; and then only another fix."
    )


def _is_overtaken(refusal: Refusal, mode: FailureMode, base_sha: str) -> bool:
    if refusal.asked_again_at is not None:
        return True
    hurt_since = mode.n_sessions - refusal.n_sessions
    return (
        refusal.reason is not Reason.UNWANTED
        and hurt_since >= GROWTH * max(1, refusal.n_sessions)
        and base_sha != refusal.base_sha
    )
