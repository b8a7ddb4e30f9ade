"""A git repository on disk as a forge: a branch, and the pull request as Markdown, a page and a small record.

The repository's working tree, index, HEAD and configuration are never touched or run: objects and one branch are added.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bot import git
from bot.errors import ForeignCommits, ForgeError, Refused
from bot.forge.checkout import split_regular, write_file
from bot.forge.errors import Missing
from bot.forge.forge import Action, Annotation, Base, Commit, Conclusion, Draft, Skipped, State
from bot.forge.staging import reasons_against
from bot.pull_request import PullRequest

ISSUE = "dashboard.md"


@dataclass(kw_only=True)
class _Record:
    """What `<number>.json` holds."""

    number: int
    head_branch: str
    head_sha: str
    base_branch: str
    title: str
    body: str
    labels: list[str]
    draft: bool
    #: "open", or "closed" when a person wrote that here.
    state: State = State.OPEN
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Text by marker.
    comments: dict[str, str] = field(default_factory=dict)


class LocalForge:
    """Keeps pull requests in a folder beside the repository.

    Parameters
    ----------
    repository
        A git repository, bare or not.
    folder
        Where pull requests are written: `<number>.json`, `<number>.md` and `<number>.html`.
    branch
        The base branch; None for the one that HEAD names.

    """

    def __init__(self, repository: Path, *, folder: Path, branch: str | None = None) -> None:
        self._path = repository.absolute()
        self._folder = folder.absolute()
        self._branch = branch

    @property
    def repository(self) -> str:
        """The folder's path."""
        return str(self._path)

    @property
    def opt_in(self) -> bool:
        """False: who connects a folder of their own has said yes."""
        return False

    def base(self) -> Base:
        """Return the base branch and its commit."""
        with _translated():
            branch = self._branch or git.head_branch(self._git)
        return Base(branch=branch, sha=self._resolve(f"refs/heads/{branch}"))

    def fetch(self, sha: str, folder: Path) -> list[Skipped]:
        """Write the regular files of a commit into `folder` and return what was left out."""
        with _translated():
            regular, skipped = split_regular(git.list_tree(self._git, self._resolve(sha)))
            blobs = git.read_blobs(self._git, [entry.sha for entry in regular])
            folder.mkdir(parents=True, exist_ok=True)
            for entry, (_, content) in zip(regular, blobs, strict=True):
                write_file(folder, entry, content)
        return skipped

    def paths(self, sha: str) -> list[str]:
        """Return the paths of the regular files of a commit."""
        with _translated():
            regular, _ = split_regular(git.list_tree(self._git, self._resolve(sha)))
        return [entry.path for entry in regular]

    def read_file(self, path: str, sha: str) -> str | None:
        """Return a file's text at a commit; None when there is none."""
        with _translated():
            regular, _ = split_regular(git.list_tree(self._git, self._resolve(sha)))
            found = next((entry for entry in regular if entry.path == path), None)
            if found is None:
                return None
            try:
                return git.read_blob(self._git, found.sha).decode()
            except UnicodeDecodeError:
                return None

    def changed_paths(self, number: int) -> list[str]:
        """Return the paths of the files that a pull request changes."""
        record = next((each for each in self._records() if each.number == number), None)
        if record is None:
            raise Missing(f"no pull request {number} in {str(self._folder)!r}")
        with _translated():
            parent = git.read_commit(self._git, record.head_sha).parents[0]
            return [change.path for change in git.diff(self._git, parent, record.head_sha)]

    def find_pull_request(self, head_branch: str) -> PullRequest | None:
        """Return the pull request of a head branch, if there is one."""
        records = [record for record in self._records() if record.head_branch == head_branch]
        return self._pull_request(records[-1]) if records else None

    def open_pull_request(self, draft: Draft) -> PullRequest:
        """Make branch and pull request, as far as they do not exist yet."""
        with self._locked():
            record = next((r for r in self._records() if r.head_branch == draft.head_branch), None)
            if record is None:
                record = self._new_record(draft, self._push(draft))
                self._write(record)
            _replace(self._folder / f"{record.number}.html", draft.page_html)
        return self._pull_request(record)

    def commit(self, draft: Draft) -> str:
        """Build the commit and let the gate look at it."""
        with _translated():
            head = git.commit_edits(self._git, draft.base.sha, draft.edits, draft.commit_message)
            if reasons := reasons_against(self._git, draft.base.sha, head, draft):
                raise Refused("; ".join(reasons))
        return head

    def move_branch(self, pull_request: PullRequest, sha: str, *, before: str) -> None:
        """Move the branch from one commit to another, and note the new head."""
        there = self.head_sha(pull_request)
        if there not in {before, sha}:
            raise ForeignCommits(f"branch {pull_request.head_branch!r} holds {there}, not {before}")
        with self._locked(), _translated():
            git.run(self._git, "update-ref", "--no-deref", f"refs/heads/{pull_request.head_branch}", sha, there)
            self._write(replace(self._record_of(pull_request), head_sha=sha))

    def reply(self, pull_request: PullRequest, thread: int, marker: str, text: str) -> None:  # noqa: ARG002  # no threads
        """Add the answer as a comment: files have no threads."""
        self.comment_once(pull_request, marker, text)

    def report_check(
        self,
        pull_request: PullRequest,
        *,
        name: str,
        summary: str,
        text: str,
        conclusion: Conclusion,
        annotations: Sequence[Annotation] = (),
        actions: Sequence[Action] = (),  # noqa: ARG002  # a file has no buttons
    ) -> None:
        """Attach a check; a second call with the same name replaces it."""
        check = {"conclusion": conclusion, "summary": summary, "text": text}
        with self._locked():
            record = self._record_of(pull_request)
            record.checks[name] = {**check, "annotations": [asdict(annotation) for annotation in annotations]}
            self._write(record)

    def pull_request_state(self, pull_request: PullRequest) -> State:
        """Read the state from git first, then from the record."""
        return self._state(self._record_of(pull_request))

    def head_sha(self, pull_request: PullRequest) -> str:
        """Read which commit the head branch points to."""
        return self._resolve(f"refs/heads/{pull_request.head_branch}")

    def merge_sha(self, pull_request: PullRequest) -> str:
        """Return the head commit, which the base branch has; after a squash, the base branch's commit as it is now."""
        record = self._record_of(pull_request)
        base = self._resolve(f"refs/heads/{record.base_branch}")
        return record.head_sha if self.contains(base, record.head_sha) else base

    def contains(self, sha: str, ancestor: str) -> bool:
        """Read whether a commit is, or follows, another."""
        with _translated():
            if git.resolve(self._git, sha + "^{commit}") is None:
                return False
            return git.is_ancestor(self._git, ancestor, sha)

    def commits(self, pull_request: PullRequest) -> list[Commit]:
        """Return the commits of the head branch that the base branch has not, oldest first."""
        record, head = self._record_of(pull_request), self.head_sha(pull_request)
        with _translated():
            listed = git.run(self._git, "log", "--reverse", "--format=%H%x00%ae%x00%ce", head, f"^{record.base_branch}")
        lines = [line.split("\0") for line in listed.decode(errors="replace").splitlines()]
        return [Commit(sha=sha, author=author, committer=committer) for sha, author, committer in lines]

    def is_public(self) -> bool:
        """Return False: a folder is nobody else's to read."""
        return False

    def may_write(self, login: str) -> bool:  # noqa: ARG002  # whoever can ask here has the folder
        """Tell whether this person may write: on disk, everybody who is here."""
        return True

    def update_body(self, pull_request: PullRequest, body: str) -> None:
        """Replace the description."""
        with self._locked():
            self._write(replace(self._record_of(pull_request), body=body))

    def close(self, pull_request: PullRequest) -> None:
        """Note that the pull request is closed."""
        with self._locked():
            self._write(replace(self._record_of(pull_request), state=State.CLOSED))

    def reopen(self, pull_request: PullRequest) -> bool:
        """Note that the pull request is open again."""
        with self._locked():
            self._write(replace(self._record_of(pull_request), state=State.OPEN))
        return True

    def acknowledge(self, pull_request: PullRequest, comment_id: int) -> None:
        """Do nothing: nobody comments on a file."""

    def request_reviews(self, pull_request: PullRequest, logins: Sequence[str]) -> None:
        """Ask nobody: there is nobody to ask."""

    def link(self, path: str, sha: str, *, line: int, last: int | None = None) -> str | None:  # noqa: ARG002  # no address shows a file here
        """Return None: a folder has no web addresses."""
        return None

    def keep_files(self, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:  # noqa: ARG002
        """Write the files below our folder: a repository on disk needs no branch for them."""
        root = self._folder / branch / folder
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            _replace(root / path, text)
        return str(root)

    def read_issue(self, marker: str) -> str | None:
        """Return the text of our issue, a file, with this marker."""
        path = self._folder / ISSUE
        text = path.read_text() if path.exists() else ""
        return text if marker in text else None

    def keep_issue(self, marker: str, title: str, body: str) -> None:  # noqa: ARG002  # the body holds its marker
        """Write the issue."""
        with self._locked():
            _replace(self._folder / ISSUE, f"# {title}\n\n{body}")

    def keep_comment(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add the comment with this marker, or replace it."""
        with self._locked():
            record = self._record_of(pull_request)
            record.comments[marker] = text
            self._write(record)

    def comment_once(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add a comment unless one with this marker is there."""
        with self._locked():
            record = self._record_of(pull_request)
            record.comments.setdefault(marker, text)
            self._write(record)

    @property
    def _git(self) -> Path:
        return git.git_dir(self._path)

    def _resolve(self, revision: str) -> str:
        with _translated():
            sha = git.resolve(self._git, revision + "^{commit}")
        if sha is None:
            raise Missing(f"no commit {revision!r} in {self.repository}")
        return sha

    def _push(self, draft: Draft) -> str:
        """Build the commit, let the gate look at it, and only then name it."""
        with _translated():
            head = git.commit_edits(self._git, draft.base.sha, draft.edits, draft.commit_message)
            if reasons := reasons_against(self._git, draft.base.sha, head, draft):
                raise Refused("; ".join(reasons))
            there = git.resolve(self._git, f"refs/heads/{draft.head_branch}")
            if there is None:
                git.create_branch(self._git, draft.head_branch, head)
                return head
            commit, ours = git.read_commit(self._git, there), git.read_commit(self._git, head)
            if (commit.tree, commit.parents) != (ours.tree, ours.parents):
                raise ForeignCommits(f"branch {draft.head_branch!r} holds {there}, which is not this proposal")
            return there

    def _new_record(self, draft: Draft, head_sha: str) -> _Record:
        number = max((record.number for record in self._records()), default=0) + 1
        return _Record(
            number=number,
            head_branch=draft.head_branch,
            head_sha=head_sha,
            base_branch=draft.base.branch,
            title=draft.title,
            body=draft.body,
            labels=list(draft.labels),
            draft=draft.draft,
        )

    def _records(self) -> list[_Record]:
        """Return all records, oldest first."""
        paths = [path for path in self._folder.glob("*.json") if path.stem.isdecimal()]
        return [_read(path) for path in sorted(paths, key=lambda path: int(path.stem))]

    def _record_of(self, pull_request: PullRequest) -> _Record:
        path = self._folder / f"{pull_request.number}.json"
        if not path.exists():
            raise Missing(f"no pull request {pull_request.number} in {str(self._folder)!r}")
        return _read(path)

    def _pull_request(self, record: _Record) -> PullRequest:
        return PullRequest(
            repository=self.repository,
            number=record.number,
            head_branch=record.head_branch,
            head_sha=record.head_sha,
            url=str(self._folder / f"{record.number}.html"),
            title=record.title,
            state=self._state(record),
        )

    def _state(self, record: _Record) -> State:
        if self._is_merged(record):
            return State.MERGED
        return record.state

    def _is_merged(self, record: _Record) -> bool:
        """Tell whether the base branch has the commit, or (after a squash) every file as the commit left it."""
        with _translated():
            base = git.resolve(self._git, f"refs/heads/{record.base_branch}")
            if base is None:
                return False
            if git.is_ancestor(self._git, record.head_sha, base):
                return True
            parent = git.read_commit(self._git, record.head_sha).parents[0]
            wanted = {change.path: change.sha_after for change in git.diff(self._git, parent, record.head_sha)}
            differing = {change.path for change in git.diff(self._git, base, record.head_sha)}
        return not differing & wanted.keys()

    def _write(self, record: _Record) -> None:
        _replace(self._folder / f"{record.number}.md", _markdown(record))
        _replace(self._folder / f"{record.number}.json", json.dumps(asdict(record), indent=2, ensure_ascii=False))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time number and change records."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _markdown(record: _Record) -> str:
    kind = "Draft pull request" if record.draft else "Pull request"
    parts = [
        f"# {record.title}",
        f"{kind} {record.number}: `{record.head_branch}` into `{record.base_branch}`",
        f"Labels: {', '.join(record.labels)}" if record.labels else "",
        record.body,
    ]
    for name, check in record.checks.items():
        parts += [f"## Check: {name}: {check['conclusion']}", check["summary"], check["text"]]
    parts += [f"## Comment\n\n{text}" for text in record.comments.values()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _read(path: Path) -> _Record:
    try:
        record = _Record(**json.loads(path.read_text()))
        record.state = State(record.state)
    except (OSError, ValueError, TypeError) as error:
        raise ForgeError(f"the record {str(path)!r} cannot be read: {error}") from error
    return record


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader, or a process that starts after a crash, sees all of it or the one before."""
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except git.GitError as error:
        raise ForgeError(str(error)) from error
