"""Ask for a repository's configuration, and check the pull requests that change it."""

from collections.abc import Mapping
from typing import Any

from bot.errors import BadSetting
from bot.first_contact import ask_everyone
from bot.forge.errors import Missing
from bot.forge.forge import Annotation, Conclusion, Forge
from bot.handlers.means import Means
from bot.handlers.payload import mapping, number, text
from bot.pull_request import PullRequest
from bot.store.deliveries import tenant_of_delivery
from fixers.errors import ConfigurationError
from fixers.harness import CONFIGURATION_PATH, read_harnesses
from webhooks.github import Delivery

CHECK_NAME = "Tracewright configuration"
MAX_PROBLEM = 2_000


def ask_for_configuration(delivery: Delivery, means: Means) -> None:
    """Propose a configuration to the tenant's repositories that were not asked yet."""
    ask_everyone(means.store, tenant_of_delivery(delivery), means.forge_of)


def check_configuration(delivery: Delivery, means: Means) -> None:
    """Say whether the configuration that a pull request brings can be read, at the line where it cannot."""
    tenant, payload = tenant_of_delivery(delivery), delivery.payload
    pull, repository = mapping(payload, "pull_request"), text(payload, "repository", "full_name")
    known = means.store.known_name(tenant, repository)
    into_default = text(pull, "base", "ref") == text(payload, "repository", "default_branch")
    if known is None or known not in means.store.repositories(tenant) or not into_default:
        return
    try:
        _check(means.forge_of(tenant, known), _pull_request(known, pull))
    except (BadSetting, Missing):
        return  # no App any more, or the pull request is gone: there is nothing to show a check on


def _check(forge: Forge, pull_request: PullRequest) -> None:
    if CONFIGURATION_PATH not in forge.changed_paths(pull_request.number):
        return
    written = forge.read_file(CONFIGURATION_PATH, pull_request.head_sha)
    annotations: tuple[Annotation, ...] = ()
    if written is None:
        conclusion, summary = Conclusion.NEUTRAL, "The file is gone: Tracewright will propose nothing here."
    else:
        try:
            names = [harness.name for harness in read_harnesses(written, repository=forge.repository)]
            conclusion, summary = Conclusion.SUCCESS, f"It can be read. Agents: {len(names)}."
        except ConfigurationError as error:
            conclusion, summary = Conclusion.FAILURE, "It cannot be read; the annotation says where and why."
            annotations = (_annotation(error),)
    forge.report_check(
        pull_request, name=CHECK_NAME, summary=summary, text="", conclusion=conclusion, annotations=annotations
    )


def _annotation(error: ConfigurationError) -> Annotation:
    message = str(error)[:MAX_PROBLEM]
    return Annotation(
        path=CONFIGURATION_PATH, start_line=error.line, end_line=error.line, message=message, level="failure"
    )


def _pull_request(repository: str, fields: Mapping[str, Any]) -> PullRequest:
    return PullRequest(
        repository=repository,
        number=number(fields, "number") or 0,
        head_branch=text(fields, "head", "ref"),
        head_sha=text(fields, "head", "sha"),
        url=text(fields, "html_url"),
        title=text(fields, "title"),
    )
