"""The one comment below a pull request that holds all our answers and notes: each new one is edited in.

Beside it stand the question after a close, whose boxes people check, and the two proofs from production, which must
reach people who do not look any more: an edit notifies nobody.
"""

from bot.forge.forge import Forge
from bot.pull_request import PullRequest
from bot.store.store import Store

MARKER = "answers"


def answer(store: Store, tenant: str, pull_request: PullRequest, section: str, words: str, *, forge: Forge) -> None:
    """Put an answer into the comment; one with the same section before is replaced.

    Parameters
    ----------
    section
        What is answered, such as "help".
    words
        Markdown, with everything of strangers' escaped.

    """
    with store.turn(f"sticky/{tenant}/{pull_request.head_branch}"):
        store.keep_note(tenant, pull_request.head_branch, section, words)
        kept = store.notes(tenant, pull_request.head_branch)
        forge.keep_comment(pull_request, MARKER, "\n\n---\n\n".join(kept))
