"""Advisor: a model that is asked small questions about what was kept, and what that may cost each tenant."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.store.advice import Advised, asked
from bot.store.spending import Spent
from bot.store.store import Store
from fixers.errors import ModelError
from fixers.model import CHARACTERS_PER_TOKEN, Model

DAY = timedelta(days=1)
MAX_ANSWER_TOKENS = 1_000  # reckoned with before a question; answers are a few lines
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advisor:
    """The model that is asked, and what it may cost each tenant in 24 hours."""

    model: Model
    name: str
    tokens_per_day: int
    usd_per_day: float
    #: US dollars per million input and output tokens; zeros: the limit in dollars never binds.
    usd_per_million: tuple[float, float] = (0.0, 0.0)

    def can_pay(self, spent: Spent, messages: Sequence[Mapping[str, str]], *, share: float = 1.0) -> bool:
        """Say whether a question, and its answer, still fit into a share of the budget."""
        input_tokens = len(json.dumps(messages)) // CHARACTERS_PER_TOKEN
        price_in, price_out = self.usd_per_million
        cost_usd = (input_tokens * price_in + MAX_ANSWER_TOKENS * price_out) / 1_000_000
        fits = spent.tokens + input_tokens + MAX_ANSWER_TOKENS <= self.tokens_per_day * share
        return fits and spent.cost_usd + cost_usd <= self.usd_per_day * share


def advise(
    store: Store,
    tenant: str,
    messages: Sequence[Mapping[str, str]],
    read: Callable[[str], str],
    *,
    advisor: Advisor,
    now: datetime,
    share: float = 1.0,
) -> str | None:
    """Return what can be used of the answer to a question, "" when nothing can; None when it cannot be asked now.

    Parameters
    ----------
    read
        Returns what can be used of an answer.
    share
        Of the budget of 24 hours: how much may be used up.

    """
    question = asked(messages)
    known = store.advice(tenant, question, advisor.name)
    if known is not None:
        return known
    if not advisor.can_pay(store.advice_spent(tenant, since=now - DAY), messages, share=share):
        return None
    try:
        reply = advisor.model.complete(messages, [])
    except ModelError as error:
        log.warning("%s was asked in vain: %s", advisor.name, error)
        return None
    advised = Advised(read(reply.content), reply.input_tokens + reply.output_tokens, reply.cost_usd)
    store.keep_advice(tenant, question, advisor.name, advised)
    return advised.answer
