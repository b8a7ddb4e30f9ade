"""GitHub as a forge: one repository. Its parts are the modules `github_*`, the only importers of PyGithub.

Nothing is retried here but reads. A caller that gets `Unavailable` or `RateLimited` waits and calls again: every method
looks for what an earlier call made.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from github.Repository import Repository

from bot.forge.errors import Missing
from bot.forge.forge import Action, Annotation, Base, Commit, Conclusion, Draft, Skipped, State
from bot.forge.github_branches import Branches
from bot.forge.github_channel import Channel, Unprocessable
from bot.forge.github_checks import Checks
from bot.forge.github_comments import Comments
from bot.forge.github_files import Files
from bot.forge.orphan_branch import keep_folder
from bot.pull_request import PullRequest

API = "https://api.github.com"


class GitHubForge:
    """One repository on GitHub."""

    def __init__(
        self, repository: str, api_url: str, *, reading: Channel, publishing: Channel, issues: Channel
    ) -> None:
        self._repository = repository
        self._api_url = api_url
        self._reading = reading
        self._publishing = publishing
        self._files = Files(repository, api_url, reading=reading)
        self._branches = Branches(files=self._files, publishing=publishing)
        self._checks = Checks(publishing)
        self._comments = Comments(publishing=publishing, issues=issues)

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return self._repository

    @property
    def opt_in(self) -> bool:
        """True: who installs an App on many repositories has not said yes for each."""
        return True

    def base(self) -> Base:
        """Return the default branch and its commit."""
        branch = self._reading.ask("read the default branch", lambda repo: repo.default_branch)
        sha = self._reading.ask(f"read branch {branch!r}", lambda repo: repo.get_git_ref(f"heads/{branch}").object.sha)
        return Base(branch=branch, sha=sha)

    def fetch(self, sha: str, folder: Path) -> list[Skipped]:
        """Write the regular files of a commit into `folder` and return what was left out."""
        return self._files.fetch(sha, folder)

    def paths(self, sha: str) -> list[str]:
        """Return the paths of the regular files of a commit."""
        return self._files.paths(sha)

    def read_file(self, path: str, sha: str) -> str | None:
        """Return a file's text at a commit; None when there is none."""
        return self._files.read_file(path, sha)

    def changed_paths(self, number: int) -> list[str]:
        """Return the paths of the files that a pull request changes; GitHub lists 3,000 at most."""
        return self._publishing.ask(
            f"list the files of pull request {number}",
            lambda repo: [file.filename for file in repo.get_pull(number).get_files()],
        )

    def find_pull_request(self, head_branch: str) -> PullRequest | None:
        """Return the newest pull request of a head branch, whatever its state."""
        head = f"{self._repository.split('/')[0]}:{head_branch}"
        found = self._publishing.ask(
            f"look for the pull request of {head_branch!r}",
            lambda repo: [
                pull.raw_data for pull in repo.get_pulls(state="all", head=head, sort="created", direction="desc")
            ],
        )
        return self._pull_request(found[0]) if found else None

    def open_pull_request(self, draft: Draft) -> PullRequest:
        """Make branch, commit and pull request, as far as they do not exist yet."""
        found = self.find_pull_request(draft.head_branch)
        if found is None:
            self._branches.push(draft)
            found = self._create(draft)
        if draft.labels and found.state == State.OPEN:
            self._publishing.ask(
                f"label pull request {found.number}",
                lambda repo: repo.get_pull(found.number).add_to_labels(*draft.labels),
            )
        return found

    def commit(self, draft: Draft) -> str:
        """Make the commit that the gate has seen, on no branch."""
        return self._branches.commit(draft)

    def move_branch(self, pull_request: PullRequest, sha: str, *, before: str) -> None:
        """Move the head branch, by force only away from a commit of ours, which was looked at a moment before."""
        self._branches.move_branch(pull_request, sha, before=before)

    def reply(self, pull_request: PullRequest, thread: int, marker: str, text: str) -> None:
        """Answer in a thread, once for each marker; a thread that is gone needs no answer."""
        self._comments.reply(pull_request, thread, marker, text)

    def report_check(
        self,
        pull_request: PullRequest,
        *,
        name: str,
        summary: str,
        text: str,
        conclusion: Conclusion,
        annotations: Sequence[Annotation] = (),
        actions: Sequence[Action] = (),
    ) -> None:
        """Attach a check run to the head commit, or bring the one with this name up to date."""
        self._checks.report(
            pull_request,
            name=name,
            summary=summary,
            text=text,
            conclusion=conclusion,
            annotations=annotations,
            actions=actions,
        )

    def pull_request_state(self, pull_request: PullRequest) -> State:
        """Ask GitHub where the pull request stands."""
        pull = self._publishing.ask(
            f"read pull request {pull_request.number}", lambda repo: repo.get_pull(pull_request.number).raw_data
        )
        return _state(pull)

    def head_sha(self, pull_request: PullRequest) -> str:
        """Ask GitHub which commit the head branch points to."""
        pull = self._publishing.ask(
            f"read pull request {pull_request.number}", lambda repo: repo.get_pull(pull_request.number).raw_data
        )
        return str(pull["head"]["sha"])

    def merge_sha(self, pull_request: PullRequest) -> str:
        """Ask GitHub which commit brought the pull request to its base branch."""
        pull = self._publishing.ask(
            f"read pull request {pull_request.number}", lambda repo: repo.get_pull(pull_request.number).raw_data
        )
        return str(pull["merge_commit_sha"])

    def contains(self, sha: str, ancestor: str) -> bool:
        """Ask GitHub whether a commit is, or follows, another."""
        try:
            status = self._reading.ask(
                f"compare {ancestor} with {sha}", lambda repo: repo.compare(ancestor, sha).status
            )
        except Missing:
            return False
        return status in {"ahead", "identical"}

    def commits(self, pull_request: PullRequest) -> list[Commit]:
        """Return the commits of the pull request, oldest first."""
        found = self._publishing.ask(
            f"read the commits of pull request {pull_request.number}",
            lambda repo: [commit.raw_data for commit in repo.get_pull(pull_request.number).get_commits()],
        )
        return [_commit(raw["sha"], raw["commit"]) for raw in found]

    def is_public(self) -> bool:
        """Ask GitHub whether everybody can read the repository."""
        return not self._reading.ask("read the repository", lambda repo: repo.private)

    def may_write(self, login: str) -> bool:
        """Ask GitHub for the permission of a person: `maintain` counts as write, `triage` as read."""
        try:
            permission = self._publishing.ask(
                f"read the permission of {login!r}", lambda repo: repo.get_collaborator_permission(login)
            )
        except Missing:
            return False
        return permission in {"admin", "write"}

    def update_body(self, pull_request: PullRequest, body: str) -> None:
        """Replace the description."""
        self._publishing.ask(
            f"describe pull request {pull_request.number}",
            lambda repo: repo.get_pull(pull_request.number).edit(body=body),
        )

    def close(self, pull_request: PullRequest) -> None:
        """Close the pull request without a merge."""
        self._publishing.ask(
            f"close pull request {pull_request.number}",
            lambda repo: repo.get_pull(pull_request.number).edit(state="closed"),
        )

    def reopen(self, pull_request: PullRequest) -> bool:
        """Open a closed pull request again; GitHub refuses when the branch is gone, or was rewritten meanwhile."""
        try:
            self._publishing.ask(
                f"reopen pull request {pull_request.number}",
                lambda repo: repo.get_pull(pull_request.number).edit(state="open"),
            )
        except Unprocessable:
            return False
        return True

    def acknowledge(self, pull_request: PullRequest, comment_id: int) -> None:
        """Show eyes below a comment; GitHub keeps one reaction of a kind. A comment that is gone needs none."""
        self._comments.acknowledge(pull_request, comment_id)

    def request_reviews(self, pull_request: PullRequest, logins: Sequence[str]) -> None:
        """Ask for reviews one by one: GitHub refuses all when it refuses one."""

        def ask(repo: Repository, login: str) -> None:
            repo.get_pull(pull_request.number).create_review_request([login])

        for login in logins:
            with suppress(Unprocessable, Missing):
                doing = f"ask {login!r} to review pull request {pull_request.number}"
                self._publishing.ask(doing, partial(ask, login=login))

    def link(self, path: str, sha: str, *, line: int, last: int | None = None) -> str | None:
        """Return the permanent address of a line, or of lines."""
        lines = f"L{line}" if last is None or last <= line else f"L{line}-L{last}"
        return f"{web_address(self._api_url)}/{self._repository}/blob/{sha}/{quote(path)}#{lines}"

    def keep_files(self, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:
        """Commit the files to a branch without code, and return the folder's address at that commit."""
        sha = self._publishing.ask(
            f"keep {folder!r} on {branch!r}", lambda repo: keep_folder(repo, branch, folder, files, message)
        )
        return f"{web_address(self._api_url)}/{self._repository}/tree/{sha}/{quote(folder)}"

    def read_issue(self, marker: str) -> str | None:
        """Return the body of our issue with this marker."""
        return self._comments.read_issue(marker)

    def keep_issue(self, marker: str, title: str, body: str) -> None:
        """Open our issue with this marker, or edit the one that is there; one that people closed stays closed."""
        self._comments.keep_issue(marker, title, body)

    def keep_comment(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add the comment with this marker, or bring it up to date."""
        self._comments.keep_comment(pull_request, marker, text)

    def comment_once(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add a comment unless one with this marker is there."""
        self._comments.comment_once(pull_request, marker, text)

    def _create(self, draft: Draft) -> PullRequest:
        try:
            pull = self._publishing.ask(
                f"open the pull request of {draft.head_branch!r}",
                lambda repo: (
                    repo.create_pull(
                        draft.base.branch, draft.head_branch, title=draft.title, body=draft.body, draft=draft.draft
                    ).raw_data
                ),
            )
        except Unprocessable:
            found = self.find_pull_request(draft.head_branch)  # "already exists": another worker was faster
            if found is None:
                raise
            return found
        return self._pull_request(pull)

    def _pull_request(self, pull: Mapping[str, Any]) -> PullRequest:
        return PullRequest(
            repository=self._repository,
            number=pull["number"],
            head_branch=pull["head"]["ref"],
            head_sha=pull["head"]["sha"],
            url=pull["html_url"],
            title=pull["title"],
            state=_state(pull),
        )


def web_address(api_url: str) -> str:
    """Return where people read what the API at `api_url` serves: on an Enterprise Server, the same host."""
    return "https://github.com" if api_url.rstrip("/") == API else api_url.rstrip("/").removesuffix("/api/v3")


def _state(pull: Mapping[str, Any]) -> State:
    # A listing has no `merged`, only the time.
    return State.MERGED if pull.get("merged_at") else State(pull["state"])


def _commit(sha: str, said: Mapping[str, Any]) -> Commit:
    return Commit(sha=sha, author=said["author"]["email"], committer=said["committer"]["email"])
