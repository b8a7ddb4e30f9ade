"""Which handlers each of GitHub's events has: to take another one, add a line.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping

from bot.handlers.branches import notice_strangers
from bot.handlers.checks import press_button, rerun_check, rerun_suite
from bot.handlers.commands import obey_command
from bot.handlers.configuration import ask_for_configuration, check_configuration
from bot.handlers.decisions import follow_reopening, record_decision
from bot.handlers.deployments import notice_deployment
from bot.handlers.installations import follow_installation, follow_repository, follow_selection
from bot.handlers.means import Handler, Means
from bot.handlers.refusals import take_choice, take_words
from bot.handlers.remarks import take_review, take_review_comment
from bot.handlers.reverts import note_revert
from webhooks.github import Delivery

#: By (event, action), in the order in which they run; "" is the action of events that have none.
HANDLERS: Mapping[tuple[str, str], tuple[Handler, ...]] = {
    ("check_run", "requested_action"): (press_button,),
    ("check_run", "rerequested"): (rerun_check,),
    ("check_suite", "rerequested"): (rerun_suite,),
    ("deployment_status", "created"): (notice_deployment,),
    ("installation", "created"): (follow_installation, ask_for_configuration),
    ("installation", "deleted"): (follow_installation,),
    ("installation", "suspend"): (follow_installation,),
    ("installation", "unsuspend"): (follow_installation, ask_for_configuration),
    ("installation_repositories", "added"): (follow_selection, ask_for_configuration),
    ("installation_repositories", "removed"): (follow_selection,),
    ("issue_comment", "created"): (record_decision, take_words, obey_command),
    ("issue_comment", "edited"): (take_choice,),
    ("pull_request", "closed"): (record_decision, note_revert),
    ("pull_request", "opened"): (check_configuration,),
    ("pull_request", "reopened"): (check_configuration, follow_reopening, note_revert),
    ("pull_request", "synchronize"): (check_configuration, notice_strangers),
    ("pull_request_review", "submitted"): (record_decision, take_review),
    ("pull_request_review_comment", "created"): (take_review_comment,),
    ("repository", "archived"): (follow_repository,),
    ("repository", "deleted"): (follow_repository,),
    ("repository", "privatized"): (follow_repository,),
    ("repository", "publicized"): (follow_repository,),
    ("repository", "renamed"): (follow_repository,),
    ("repository", "transferred"): (follow_repository,),
    ("repository", "unarchived"): (follow_repository,),
}


def handle(delivery: Delivery, means: Means) -> None:
    """Run the handlers of a delivery; one that is not in the table is of no interest.

    A handler that raises ends the call, and the whole delivery is handled again later.
    """
    for handler in HANDLERS.get((delivery.event, delivery.action), ()):
        handler(delivery, means)
