"""The report as an HTML page that stands alone: no script, nothing from elsewhere, every text escaped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import jinja2

from bot.forge.forge import State
from bot.pr_body.escape import visible
from bot.report import NOT_COMPARED, NOT_SAID, Report
from bot.report_page import report_record, words
from bot.store.pull_requests import Opened
from bot.store.store import Store

#: Pull requests that the page lists, the newest.
MOST = 100
#: The kinds that a person should look at first.
ALARMING = frozenset({"worse", "not_fixed", "regressed", "reverted"})


class Listed(NamedTuple):
    """One pull request and what became of it."""

    title: str
    #: Empty where it has no web address.
    url: str
    agent: str
    opened: str
    state: str
    #: Why it was refused, or what production says; empty while it is open.
    came_of_it: str


def report_html(found: Report, listed: Sequence[Listed], *, tenant: str, now: datetime) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bot", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = lambda text: visible(str(text))
    environment.filters["words"] = words
    environment.filters["percent"] = lambda share: "not known yet" if share is None else f"{share:.0%}"
    record: dict[str, Any] = report_record(found)
    return environment.get_template("report.html.j2").render(
        record=record, listed=listed, tenant=tenant, now=now, alarming=ALARMING, n_more=max(0, found.n_opened - MOST)
    )


def list_pull_requests(store: Store, tenant: str) -> list[Listed]:
    """Return the newest pull requests, the newest first."""
    reasons = {refusal.proposal_id: refusal.reason or NOT_SAID for refusal in store.refusals(tenant)}
    answers = {proposal_id: proof.answer for proposal_id, proof in store.proofs(tenant).items()}
    reverted = {revert.proposal_id for revert in store.reverts(tenant) if revert.state == State.MERGED}

    def came_of_it(opened: Opened) -> str:
        match opened.pull_request.state:
            case State.CLOSED:
                return str(reasons.get(opened.proposal_id, NOT_SAID))
            case State.MERGED:
                answer = str(answers.get(opened.proposal_id, NOT_COMPARED))
                return f"{answer}, taken back" if opened.proposal_id in reverted else answer
            case _:
                return ""

    newest = list(reversed(store.pull_requests(tenant)))[:MOST]
    return [
        Listed(
            title=each.pull_request.title,
            url=each.pull_request.url if each.pull_request.url.startswith(("https://", "http://")) else "",
            agent=each.agent,
            opened=f"{each.opened_at:%Y-%m-%d}",
            state=str(each.pull_request.state),
            came_of_it=came_of_it(each),
        )
        for each in newest
    ]
