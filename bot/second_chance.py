"""When a failure mode gets another pull request after people closed the one before: a rule, and nothing else.

It does when a person asks for it. It does by itself when all of this holds for each refusal:

* the reason is not "unwanted";
* the sessions that it hurt since then are at least twice as many as were known then;
* the default branch has changed since then.

And then only with another fix: the same lines are never proposed twice.
"""

from collections.abc import Sequence

from bot.outcome import Reason
from bot.refusal import Refusal
from clustering.failure_mode import FailureMode

GROWTH = 2


def may_try_again(mode: FailureMode, refusals: Sequence[Refusal], *, base_sha: str) -> bool:
    """Tell whether a failure mode whose pull requests were all closed may have another one."""
    return bool(refusals) and all(_is_overtaken(refusal, mode, base_sha) for refusal in refusals)


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
