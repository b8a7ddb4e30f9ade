"""The traffic of the example: customers who talk to the support agent and sometimes rate what it answers.

`conversations` writes the customers' words; `run` has them answered by the agent of a checkout, all in one process as
in production, and rates each answer as the customer would, who knows what they ordered.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from examples.scenarios import Conversation, Shop, write_conversation
from examples.shop_provider.quirks import Quirk, quirk_of

CHECKOUT = Path(__file__).parent / "support_agent"
EXIT_TIMEOUT_S = 30.0
LOG_TAIL = 2000  # characters of the worker's log that an error quotes

#: How many of 96 conversations are of each kind; the customers who were turned away with a 429 come back later.
MIX = {
    "rate_limited": 8,
    "malformed_arguments": 8,
    "refund_in_own_words": 8,
    "long_conversation": 8,
    "many_orders": 8,
    "refund_without_check": 8,
    "two_orders": 8,
    "my_last_order": 9,
    "order_status": 4,
    "parcel": 4,
    "catalog": 4,
    "order_list": 3,
    "refund_with_check": 5,
    "new_address": 3,
}
COMES_BACK = "rate_limited"
QUIRKS = {
    "rate_limited": {Quirk.RATE_LIMITED},
    "malformed_arguments": {Quirk.EMPTY_ARGUMENTS, Quirk.BROKEN_ARGUMENTS},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a customer thinks of an answer."""

    helpful: bool
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One conversation and how it ended."""

    conversation: Conversation
    answer: str
    #: What the conversation crashed with, or None.
    error: str | None
    rating: Rating | None

    @property
    def is_right(self) -> bool:
        """Say whether the customer got what they asked for, whether or not they rated it."""
        return self.error is None and is_right(self.conversation, self.answer)


def conversations(n: int = 96, seed: int = 7, *, mix: Mapping[str, int] = MIX) -> list[Conversation]:
    """Return `n` conversations of the kinds of `mix`, in the order in which they happen; the same for the same call."""
    rng = random.Random(seed)  # noqa: S311  # traffic, not secrets
    shop = Shop(rng)
    written: set[str] = set()
    visits: list[Conversation] = []
    while len(visits) < n:
        kinds = [kind for kind, count in mix.items() for _ in range(count)]
        visits += _with_returns([_write(kind, shop, rng, written) for kind in rng.sample(kinds, len(kinds))])
    return [
        replace(visit, session_id=f"s-{seed}-{number:04d}", speaks_up=rng.random() < visit.rates)
        for number, visit in enumerate(visits[:n])
    ]


def is_right(conversation: Conversation, answer: str) -> bool:
    """Say whether the answer holds what the customer knows to be true."""
    return all(fact in answer for fact in conversation.expects)


def rate(conversation: Conversation, answer: str) -> Rating | None:
    """Return the customer's rating, or None from those who do not bother."""
    if not conversation.speaks_up:
        return None
    if not answer:
        return Rating(helpful=False, comment="I waited and got no answer at all.")
    if is_right(conversation, answer):
        return Rating(helpful=True)
    return Rating(helpful=False, comment=conversation.complaint)


def run(
    visits: Sequence[Conversation],
    *,
    base_url: str,
    otlp_endpoint: str,
    key: str,
    checkout: Path = CHECKOUT,
    python: str = sys.executable,
    on_progress: Callable[[Answered], None] | None = None,
) -> list[Answered]:
    """Have the agent in `checkout` answer the conversations, and return how each ended.

    Parameters
    ----------
    visits : sequence of Conversation
        Answered one after the other by one process, whose state they share.
    base_url : str
        The provider's, ending in /v1.
    otlp_endpoint : str
        Where the agent exports its traces to, without /v1/traces.
    key : str
        The ingestion key, sent as a bearer token.
    checkout : Path
        Root of the agent's repository.
    python : str
        The interpreter that has the agent's dependencies.
    on_progress : callable, optional
        Called after each conversation.

    Raises
    ------
    RuntimeError
        When the agent's process ends before its work is done.

    """
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": "example",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={quote(f'Bearer {key}')}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [python, "-m", "support_agent.batch"]
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(  # noqa: S603  # our own module, no shell
            command,
            cwd=checkout,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as worker,
    ):
        answered = []
        try:
            for visit in visits:
                answered.append(_visit(worker, visit))
                if on_progress:
                    on_progress(answered[-1])
            worker.communicate(timeout=EXIT_TIMEOUT_S)
        except (EOFError, BrokenPipeError, subprocess.TimeoutExpired) as error:
            worker.kill()
            log.seek(0)
            raise RuntimeError(f"the agent's worker did not finish: {log.read()[-LOG_TAIL:]}") from error
    return answered


def _visit(worker: subprocess.Popen[str], visit: Conversation) -> Answered:
    job = {"session_id": visit.session_id, "user_id": visit.user_id, "turns": list(visit.turns)}
    reply = _ask(worker, job)
    rating = None if reply["error"] else rate(visit, reply["answer"])
    if rating:
        _ask(worker, {"rate": visit.session_id, "helpful": rating.helpful, "comment": rating.comment})
    return Answered(conversation=visit, answer=reply["answer"], error=reply["error"], rating=rating)


def _ask(worker: subprocess.Popen[str], job: Mapping[str, Any]) -> dict[str, Any]:
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("the agent's worker was started without pipes")
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise EOFError
    reply: dict[str, Any] = json.loads(line)
    return reply


def _write(kind: str, shop: Shop, rng: random.Random, written: set[str]) -> Conversation:
    """Write a conversation whose opening the provider treats as this kind needs; its quirks meet each opening once."""
    quirks = QUIRKS.get(kind, {Quirk.NONE})
    while True:
        visit = write_conversation(kind, shop, rng)
        opening = visit.turns[0]
        if quirk_of(opening) in quirks and (kind not in QUIRKS or opening not in written):
            written.add(opening)
            return visit


def _with_returns(visits: Sequence[Conversation]) -> list[Conversation]:
    """Let each customer who is turned away ask again, in the same words, after a few others were served."""
    ordered: list[tuple[float, Conversation]] = []
    for index, visit in enumerate(visits):
        ordered.append((index, visit))
        if visit.kind == COMES_BACK:
            later = min(index + 7.5, len(visits) - 0.5)
            ordered.append((later, replace(visit, kind="second_visit")))
    return [visit for _, visit in sorted(ordered, key=lambda entry: entry[0])]
