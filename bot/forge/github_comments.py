"""Write and find our comments and issues on GitHub."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from github.Repository import Repository

from bot.forge.errors import Missing
from bot.forge.github_channel import Channel
from bot.pull_request import PullRequest

#: By which our issues are found among all others.
ISSUE_LABEL = "tracewright"


class Comments:
    """What we say in one repository; each text has a hidden marker, by which it is found again."""

    def __init__(self, *, publishing: Channel, issues: Channel) -> None:
        self._publishing = publishing
        self._issues = issues

    def read_issue(self, marker: str) -> str | None:
        """Return the body of our issue with this marker."""
        found = self._find_issue(marker)
        return None if found is None else str(found["body"])

    def keep_issue(self, marker: str, title: str, body: str) -> None:
        """Open our issue with this marker, or edit the one that is there; one that people closed stays closed."""
        found = self._find_issue(marker)
        if found is None:
            self._issues.ask("open an issue", lambda repo: repo.create_issue(title, body, labels=[ISSUE_LABEL]))
        elif found["body"] != body:
            number = found["number"]
            self._issues.ask(f"edit issue {number}", lambda repo: repo.get_issue(number).edit(body=body))

    def keep_comment(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add the comment with this marker, or bring it up to date."""
        self._comment(pull_request, marker, text, edit=True)

    def comment_once(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add a comment unless one with this marker is there."""
        self._comment(pull_request, marker, text, edit=False)

    def reply(self, pull_request: PullRequest, thread: int, marker: str, text: str) -> None:
        """Answer in a thread, once for each marker; a thread that is gone needs no answer."""
        hidden = f"<!-- tracewright:{marker} -->"

        def reply(repo: Repository) -> None:
            pull = repo.get_pull(pull_request.number)
            if not any(_is_ours(each.raw_data, hidden) for each in pull.get_review_comments()):
                pull.create_review_comment_reply(thread, f"{text}\n\n{hidden}")

        with suppress(Missing):
            self._publishing.ask(f"reply on pull request {pull_request.number}", reply)

    def acknowledge(self, pull_request: PullRequest, comment_id: int) -> None:
        """Show eyes below a comment; GitHub keeps one reaction of a kind. A comment that is gone needs none."""
        with suppress(Missing):
            self._publishing.ask(
                f"acknowledge comment {comment_id}",
                lambda repo: repo.get_issue(pull_request.number).get_comment(comment_id).create_reaction("eyes"),
            )

    def _find_issue(self, marker: str) -> dict[str, Any] | None:
        found = self._issues.ask(
            "look for our issue",
            lambda repo: [issue.raw_data for issue in repo.get_issues(state="all", labels=[ISSUE_LABEL])],
        )
        return next((raw for raw in found if "pull_request" not in raw and _is_ours(raw, marker)), None)

    def _comment(self, pull_request: PullRequest, marker: str, text: str, *, edit: bool) -> None:
        hidden = f"<!-- tracewright:{marker} -->"
        body = f"{text}\n\n{hidden}"

        def comment(repo: Repository) -> None:
            pull = repo.get_pull(pull_request.number)
            # Whoever quotes our marker has not written our comment.
            found = next((each for each in pull.get_issue_comments() if _is_ours(each.raw_data, hidden)), None)
            if found is None:
                pull.create_issue_comment(body)
            elif edit and found.body != body:
                found.edit(body)

        self._publishing.ask(f"comment on pull request {pull_request.number}", comment)


def _is_ours(comment: Mapping[str, Any], hidden: str) -> bool:
    return (comment["user"] or {}).get("type") == "Bot" and hidden in (comment["body"] or "")
