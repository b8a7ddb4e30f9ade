"""Obey the buttons of the check run, and GitHub's own "Re-run"."""

from bot.checks import EXPLAIN, IGNORE, NAME, RERUN
from bot.handlers import payload as read
from bot.handlers import requests
from bot.handlers.means import Means
from bot.store.pull_requests import Opened
from webhooks.github import Delivery


def press_button(delivery: Delivery, means: Means) -> None:
    """Do what the button of our check run says."""
    found = _asked(delivery, means, _branch_of_run(delivery))
    if found is None:
        return
    tenant, actor, opened = found
    pressed = read.text(delivery.payload, "requested_action", "identifier")
    if pressed == RERUN:
        requests.rerun(means, tenant, opened)
    elif pressed == EXPLAIN:
        requests.explain(means, tenant, opened)
    elif pressed == IGNORE:
        requests.ignore(means, tenant, opened, actor=actor, delivery_id=delivery.delivery_id)


def rerun_check(delivery: Delivery, means: Means) -> None:
    """Gather the evidence again when somebody asks GitHub to run our check again."""
    _rerun(delivery, means, _branch_of_run(delivery))


def rerun_suite(delivery: Delivery, means: Means) -> None:
    """Gather the evidence again when somebody asks GitHub to run all checks again."""
    _rerun(delivery, means, read.text(delivery.payload, "check_suite", "head_branch"))


def _rerun(delivery: Delivery, means: Means, head_branch: str) -> None:
    found = _asked(delivery, means, head_branch)
    if found is not None:
        tenant, _, opened = found
        requests.rerun(means, tenant, opened)


def _asked(delivery: Delivery, means: Means, head_branch: str) -> tuple[str, str, Opened] | None:
    """Return the tenant, who asks and the pull request; None when it is not ours, or not theirs to ask."""
    tenant = read.text(delivery.payload, "installation", "id")
    repository = read.text(delivery.payload, "repository", "full_name")
    actor = read.text(delivery.payload, "sender", "login")
    opened = means.store.pull_request_of_branch(tenant, repository, head_branch)
    if opened is None or not requests.may_ask(means, tenant, opened, actor):
        return None
    return tenant, actor, opened


def _branch_of_run(delivery: Delivery) -> str:
    """Return the head branch that we wrote into the check run; a run by another App names none of ours."""
    external_id = read.text(delivery.payload, "check_run", "external_id")
    return external_id.removesuffix(f"/{NAME}") if external_id.endswith(f"/{NAME}") else ""
