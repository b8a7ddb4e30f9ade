"""GitHub as a forge, through an App; the one module that imports PyGithub.

Nothing is retried here but reads. A caller that gets `Unavailable` or `RateLimited` waits and calls again: every method
looks for what an earlier call made.
"""

import base64
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import github
import httpx
import requests
from github import Auth, InputGitTreeElement
from github.CheckRun import CheckRun
from github.Repository import Repository
from urllib3 import Retry

from bot import git
from bot.errors import ForeignCommits, ForgeError
from bot.forge.answers import error_of
from bot.forge.checkout import split_regular, write_file
from bot.forge.credentials import ISSUES, PUBLISH, READ, InstallationToken
from bot.forge.download import download
from bot.forge.errors import Mismatch, Missing, TokenRefused, Unavailable
from bot.forge.forge import Action, Annotation, Base, Commit, Conclusion, Draft, Skipped, State
from bot.forge.hook_deliveries import HookDeliveries
from bot.forge.orphan_branch import keep_folder
from bot.forge.staging import Staged, stage
from bot.pull_request import PullRequest

API = "https://api.github.com"
USER_AGENT = "tracewright"
TIMEOUT_S = 20
UNPROCESSABLE = 422
NOT_FOUND = 404
#: https://docs.github.com/en/rest/checks/runs: characters of summary and of text, and annotations in one request.
MAX_CHECK_CHARACTERS = 65_535
MAX_ANNOTATIONS = 50
#: 80 writes a minute are allowed. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
SECONDS_BETWEEN_WRITES = 1.0

#: By which our issues are found among all others.
ISSUE_LABEL = "tracewright"

_T = TypeVar("_T")


class GitHubApp:
    """The App's identity; makes one forge for each repository and keeps it.

    Parameters
    ----------
    app_id
        The App's number.
    private_key
        Its key, PEM.
    api_url
        The API's address: `https://HOST/api/v3` for GitHub Enterprise Server.
    seconds_between_writes
        Pause before each write; None for none.

    """

    def __init__(
        self,
        app_id: str,
        private_key: str,
        *,
        api_url: str = API,
        seconds_between_writes: float | None = SECONDS_BETWEEN_WRITES,
    ) -> None:
        self._auth = Auth.AppAuth(app_id, private_key)
        self._client = httpx.Client(base_url=api_url, timeout=TIMEOUT_S, headers={"User-Agent": USER_AGENT})
        self._seconds_between_writes = seconds_between_writes
        self._lock = threading.Lock()
        self._forges: dict[tuple[str, int | None], GitHubForge] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def forge(self, repository: str, installation_id: int | None = None) -> "GitHubForge":
        """Return the forge of `owner/name`; None asks GitHub for the installation."""
        with self._lock:
            key = (repository, installation_id)
            if key not in self._forges:
                # A token is made when its channel is first used: without a dashboard, none for issues is asked for.
                reading, publishing, issues = (self._channel(*key, each) for each in (READ, PUBLISH, ISSUES))
                self._forges[key] = GitHubForge(
                    repository, str(self._client.base_url), reading=reading, publishing=publishing, issues=issues
                )
            return self._forges[key]

    def installation_id(self, repository: str) -> int:
        """Ask GitHub for the App's installation on `owner/name`."""
        return self._token(repository, None, READ).installation_id()

    def hook_deliveries(self) -> HookDeliveries:
        """Return what asks for the deliveries that GitHub made to the App."""
        return HookDeliveries(self._client, self._auth.create_jwt)

    def _channel(self, repository: str, installation_id: int | None, permissions: Mapping[str, str]) -> "Channel":
        token = self._token(repository, installation_id, permissions)
        return Channel(repository, token, str(self._client.base_url), self._seconds_between_writes)

    def _token(self, repository: str, installation_id: int | None, permissions: Mapping[str, str]) -> InstallationToken:
        return InstallationToken(
            self._client,
            self._auth.create_jwt,
            repository=repository,
            installation_id=installation_id,
            permissions=permissions,
        )


class Channel:
    """A way to one repository, with the permissions of its token."""

    def __init__(self, repository: str, token: InstallationToken, api_url: str, pause_s: float | None) -> None:
        self.token = token
        self._repository = repository
        # Limits are not waited for here, where a thread would sleep for up to an hour, and a POST is never sent twice.
        retry = Retry(
            total=3,
            backoff_factor=0.3,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods={"GET", "HEAD", "DELETE"},
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        self._github = github.Github(
            auth=_InstallationAuth(token),
            base_url=api_url.rstrip("/"),
            timeout=TIMEOUT_S,
            user_agent=USER_AGENT,
            per_page=100,
            lazy=True,  # an object is asked for when one of its fields is read: always within `ask`
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=pause_s,
        )

    def ask(self, doing: str, action: Callable[[Repository], _T]) -> _T:
        """Run `action` on the repository; once more with a new token when GitHub refuses the present one."""
        repository = self._github.get_repo(self._repository)
        try:
            with _translated(doing):
                return action(repository)
        except TokenRefused:
            self.token.forget()
        with _translated(doing):
            return action(repository)


class GitHubForge:
    """One repository on GitHub."""

    def __init__(
        self, repository: str, api_url: str, *, reading: Channel, publishing: Channel, issues: Channel
    ) -> None:
        self._repository = repository
        self._api_url = api_url
        self._reading = reading
        self._publishing = publishing
        self._issues = issues

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
        regular, skipped = split_regular(self._entries(self._tree_of(sha)))
        folder.mkdir(parents=True, exist_ok=True)
        wanted = {entry.path: entry for entry in regular}
        for path, content in self._tarball(sha):
            # A tarball leaves out and rewrites files (export-ignore, export-subst); the tree says which.
            if path in wanted and git.blob_sha(content) == wanted[path].sha:
                write_file(folder, wanted.pop(path), content)
        for entry in wanted.values():
            write_file(folder, entry, self._blob(entry.sha))
        return skipped

    def paths(self, sha: str) -> list[str]:
        """Return the paths of the regular files of a commit."""
        regular, _ = split_regular(self._entries(self._tree_of(sha)))
        return [entry.path for entry in regular]

    def read_file(self, path: str, sha: str) -> str | None:
        """Return a file's text at a commit; None when there is none."""
        regular, _ = split_regular(self._entries(self._tree_of(sha)))
        found = next((entry for entry in regular if entry.path == path), None)
        if found is None:
            return None
        try:
            return self._blob(found.sha).decode()
        except UnicodeDecodeError:
            return None

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
            self._push(draft)
            found = self._create(draft)
        if draft.labels and found.state == State.OPEN:
            self._publishing.ask(
                f"label pull request {found.number}",
                lambda repo: repo.get_pull(found.number).add_to_labels(*draft.labels),
            )
        return found

    def commit(self, draft: Draft) -> str:
        """Make the commit that the gate has seen, on no branch."""
        tree = self._tree_of(draft.base.sha)
        with tempfile.TemporaryDirectory(prefix="tracewright-stage-") as folder:
            try:
                staged = stage(Path(folder), self._entries(tree), tree, draft)
                return self._commit(draft, tree, staged)
            except git.GitError as error:
                raise ForgeError(str(error)) from error

    def move_branch(self, pull_request: PullRequest, sha: str, *, before: str) -> None:
        """Move the head branch, by force only away from a commit of ours, which was looked at a moment before."""
        branch = pull_request.head_branch

        def move(repo: Repository) -> None:
            ref = repo.get_git_ref(f"heads/{branch}")
            there = ref.object.sha  # read: only then does the reference know the address that takes changes
            if there == sha:
                return
            if there != before:
                raise ForeignCommits(f"branch {branch!r} holds {there}, not {before}")
            parents = [each.sha for each in repo.get_git_commit(sha).parents]
            ref.edit(sha, force=parents != [before])

        self._publishing.ask(f"move branch {branch!r}", move)

    def reply(self, pull_request: PullRequest, thread: int, marker: str, text: str) -> None:
        """Answer in a thread, once for each marker; a thread that is gone needs no answer."""
        hidden = f"<!-- tracewright:{marker} -->"

        def reply(repo: Repository) -> None:
            pull = repo.get_pull(pull_request.number)
            if not any(_is_ours(each.raw_data, hidden) for each in pull.get_review_comments()):
                pull.create_review_comment_reply(thread, f"{text}\n\n{hidden}")

        with suppress(Missing):
            self._publishing.ask(f"reply on pull request {pull_request.number}", reply)

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
        output: dict[str, Any] = {"title": name, "summary": _cut(summary), "text": _cut(text)}
        external_id = f"{pull_request.head_branch}/{name}"
        run = self._find_check(pull_request.head_sha, name, external_id)
        if run is None:
            run = self._publishing.ask(
                f"report check {name!r}",
                lambda repo: repo.create_check_run(
                    name, pull_request.head_sha, external_id=external_id, status="in_progress", output=output
                ),
            )
        # GitHub adds the annotations of each request to those before: a resumed call sends the rest.
        rest = [_annotation(annotation) for annotation in annotations[run.output.annotations_count :]]
        for start in range(0, max(1, len(rest)), MAX_ANNOTATIONS):
            part = {**output, "annotations": rest[start : start + MAX_ANNOTATIONS]}
            self._complete(run, name, part, conclusion, actions)

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
        except _Unprocessable:
            return False
        return True

    def acknowledge(self, pull_request: PullRequest, comment_id: int) -> None:
        """Show eyes below a comment; GitHub keeps one reaction of a kind. A comment that is gone needs none."""
        with suppress(Missing):
            self._publishing.ask(
                f"acknowledge comment {comment_id}",
                lambda repo: repo.get_issue(pull_request.number).get_comment(comment_id).create_reaction("eyes"),
            )

    def request_reviews(self, pull_request: PullRequest, logins: Sequence[str]) -> None:
        """Ask for reviews one by one: GitHub refuses all when it refuses one."""

        def ask(repo: Repository, login: str) -> None:
            repo.get_pull(pull_request.number).create_review_request([login])

        for login in logins:
            with suppress(_Unprocessable, Missing):
                doing = f"ask {login!r} to review pull request {pull_request.number}"
                self._publishing.ask(doing, partial(ask, login=login))

    def link(self, path: str, sha: str, *, line: int) -> str | None:
        """Return the permanent address of a line."""
        return f"{web_address(self._api_url)}/{self._repository}/blob/{sha}/{quote(path)}#L{line}"

    def keep_files(self, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:
        """Commit the files to a branch without code, and return the folder's address at that commit."""
        sha = self._publishing.ask(
            f"keep {folder!r} on {branch!r}", lambda repo: keep_folder(repo, branch, folder, files, message)
        )
        return f"{web_address(self._api_url)}/{self._repository}/tree/{sha}/{quote(folder)}"

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

    def _find_issue(self, marker: str) -> dict[str, Any] | None:
        found = self._issues.ask(
            "look for our issue",
            lambda repo: [issue.raw_data for issue in repo.get_issues(state="all", labels=[ISSUE_LABEL])],
        )
        return next((raw for raw in found if "pull_request" not in raw and _is_ours(raw, marker)), None)

    def keep_comment(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add the comment with this marker, or bring it up to date."""
        self._comment(pull_request, marker, text, edit=True)

    def comment_once(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add a comment unless one with this marker is there."""
        self._comment(pull_request, marker, text, edit=False)

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

    def _tree_of(self, sha: str) -> str:
        commit = self._reading.ask(f"read commit {sha}", lambda repo: repo.get_git_commit(sha).raw_data)
        return str(commit["tree"]["sha"])

    def _entries(self, tree: str, prefix: str = "") -> list[git.Entry]:
        """Return every leaf of a tree; one too large for a single answer is read folder by folder."""
        whole = self._listing(tree, recursive=True)
        if not whole["truncated"]:
            return [_entry(item, prefix) for item in whole["tree"] if item["type"] != "tree"]
        entries = []
        for item in self._listing(tree, recursive=False)["tree"]:
            below = item["type"] == "tree"
            entries += self._entries(item["sha"], f"{prefix}{item['path']}/") if below else [_entry(item, prefix)]
        return entries

    def _listing(self, tree: str, *, recursive: bool) -> dict[str, Any]:
        return self._reading.ask(
            f"read tree {tree}", lambda repo: repo.get_git_tree(tree, recursive=recursive).raw_data
        )

    def _tarball(self, sha: str) -> Iterator[tuple[str, bytes]]:
        headers = {"Authorization": f"token {self._reading.token.value()}", "User-Agent": USER_AGENT}
        url = f"{self._api_url.rstrip('/')}/repos/{self._repository}/tarball/{sha}"
        try:
            yield from download(url, headers)
        except (Missing, TokenRefused):
            return  # some servers offer none; what is missing is read blob by blob

    def _blob(self, sha: str) -> bytes:
        blob = self._reading.ask(f"read blob {sha}", lambda repo: repo.get_git_blob(sha).raw_data)
        return base64.b64decode(blob["content"])

    def _push(self, draft: Draft) -> None:
        """Make the branch with its one commit; GitHub must arrive at the very tree that the gate has seen."""
        tree = self._tree_of(draft.base.sha)
        with tempfile.TemporaryDirectory(prefix="tracewright-stage-") as folder:
            try:
                staged = stage(Path(folder), self._entries(tree), tree, draft)
                if self._is_there(draft, staged):
                    return
                commit = self._commit(draft, tree, staged)
            except git.GitError as error:
                raise ForgeError(str(error)) from error
        ref = f"refs/heads/{draft.head_branch}"
        try:
            self._publishing.ask(f"create {ref}", lambda repo: repo.create_git_ref(ref, commit))
        except _Unprocessable:
            if not self._is_there(draft, staged):  # else another worker was faster
                raise

    def _is_there(self, draft: Draft, staged: Staged) -> bool:
        """Tell whether the branch exists with this very change on this very base.

        Raises
        ------
        ForeignCommits
            It exists with something else.

        """
        try:
            sha = self._publishing.ask(
                f"read branch {draft.head_branch!r}",
                lambda repo: repo.get_git_ref(f"heads/{draft.head_branch}").object.sha,
            )
        except Missing:
            return False
        found = self._publishing.ask(f"read commit {sha}", lambda repo: repo.get_git_commit(sha).raw_data)
        if found["tree"]["sha"] != staged.tree or [parent["sha"] for parent in found["parents"]] != [draft.base.sha]:
            raise ForeignCommits(f"branch {draft.head_branch!r} holds {sha}, which is not this proposal")
        return True

    def _commit(self, draft: Draft, base_tree: str, staged: Staged) -> str:
        """Send blobs, tree and commit, and return the commit's hash. Without an author GitHub signs it for the App."""
        elements = [self._element(staged.repo, change) for change in staged.changes]

        def send(repo: Repository) -> str:
            tree = repo.create_git_tree(elements, base_tree=repo.get_git_tree(base_tree))
            if tree.sha != staged.tree:
                raise Mismatch(f"GitHub made the tree {tree.sha}; the gate has seen {staged.tree}")
            return repo.create_git_commit(draft.commit_message, tree, [repo.get_git_commit(draft.base.sha)]).sha

        return self._publishing.ask(f"commit to {draft.head_branch!r}", send)

    def _element(self, repo: Path, change: git.Change) -> InputGitTreeElement:
        if change.mode_after == git.ABSENT:
            return InputGitTreeElement(change.path, change.mode_before, "blob", sha=None)
        content = base64.b64encode(git.read_blob(repo, change.sha_after)).decode()
        sha = self._publishing.ask(f"send {change.path!r}", lambda r: r.create_git_blob(content, "base64").sha)
        if sha != change.sha_after:
            raise Mismatch(f"GitHub made the blob {sha} of {change.path!r}; the gate has seen {change.sha_after}")
        return InputGitTreeElement(change.path, change.mode_after, "blob", sha=sha)

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
        except _Unprocessable:
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

    def _find_check(self, sha: str, name: str, external_id: str) -> CheckRun | None:
        runs = self._publishing.ask(
            f"look for check {name!r}",
            lambda repo: list(repo.get_commit(sha).get_check_runs(check_name=name)),
        )
        return next((run for run in runs if run.external_id == external_id), None)

    def _complete(
        self, run: CheckRun, name: str, output: dict[str, Any], conclusion: Conclusion, actions: Sequence[Action]
    ) -> None:
        buttons = [asdict(action) for action in actions]

        def edit(_: Repository) -> None:
            run.edit(status="completed", conclusion=conclusion.value, output=output, actions=buttons)

        self._publishing.ask(f"complete check {name!r}", edit)


def web_address(api_url: str) -> str:
    """Return where people read what the API at `api_url` serves: on an Enterprise Server, the same host."""
    return "https://github.com" if api_url.rstrip("/") == API else api_url.rstrip("/").removesuffix("/api/v3")


class _InstallationAuth(Auth.Auth):
    """Hands PyGithub a token that is good now, for each request."""

    def __init__(self, token: InstallationToken) -> None:
        self._token = token

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        return self._token.value()


class _Unprocessable(ForgeError):
    """GitHub understood, and refuses: the thing exists, or the request is wrong."""


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    try:
        yield
    except github.GithubException as error:
        words = _words(error.data)
        if error.status == UNPROCESSABLE:
            raise _Unprocessable(f"{doing}: {error.status} {words}") from error
        raise error_of(error.status, doing, words, error.headers or {}) from error
    except requests.RequestException as error:
        raise Unavailable(f"{doing}: {type(error).__name__}") from error


def _words(data: object) -> str:
    if not isinstance(data, dict):
        return str(data)
    details = [
        str(item.get("message", item)) if isinstance(item, dict) else str(item) for item in data.get("errors", [])
    ]
    return "; ".join([str(data.get("message", "")), *details])


def _entry(item: Mapping[str, Any], prefix: str) -> git.Entry:
    return git.Entry(path=prefix + item["path"], mode=item["mode"], kind=item["type"], sha=item["sha"])


def _state(pull: Mapping[str, Any]) -> State:
    # A listing has no `merged`, only the time.
    return State.MERGED if pull.get("merged_at") else State(pull["state"])


def _commit(sha: str, said: Mapping[str, Any]) -> Commit:
    return Commit(sha=sha, author=said["author"]["email"], committer=said["committer"]["email"])


def _is_ours(comment: Mapping[str, Any], hidden: str) -> bool:
    return (comment["user"] or {}).get("type") == "Bot" and hidden in (comment["body"] or "")


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.start_line,
        "end_line": annotation.end_line,
        "annotation_level": annotation.level,
        "message": annotation.message,
    }


def _cut(text: str) -> str:
    notice = "\n\n(cut: GitHub shows no more)"
    return text if len(text) <= MAX_CHECK_CHARACTERS else text[: MAX_CHECK_CHARACTERS - len(notice)] + notice
