"""Read the files of a commit on GitHub."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot import git
from bot.forge.checkout import split_regular, write_file
from bot.forge.download import download
from bot.forge.errors import Missing, TokenRefused
from bot.forge.forge import Skipped
from bot.forge.github_channel import Channel
from bot.forge.github_client import USER_AGENT


class Files:
    """The files of one repository, at any commit."""

    def __init__(self, repository: str, api_url: str, *, reading: Channel) -> None:
        self._repository = repository
        self._api_url = api_url
        self._reading = reading

    def fetch(self, sha: str, folder: Path) -> list[Skipped]:
        """Write the regular files of a commit into `folder` and return what was left out."""
        regular, skipped = split_regular(self.entries(self.tree_of(sha)))
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
        regular, _ = split_regular(self.entries(self.tree_of(sha)))
        return [entry.path for entry in regular]

    def read_file(self, path: str, sha: str) -> str | None:
        """Return a file's text at a commit; None when there is none."""
        regular, _ = split_regular(self.entries(self.tree_of(sha)))
        found = next((entry for entry in regular if entry.path == path), None)
        if found is None:
            return None
        try:
            return self._blob(found.sha).decode()
        except UnicodeDecodeError:
            return None

    def tree_of(self, sha: str) -> str:
        """Return the hash of a commit's tree."""
        commit = self._reading.ask(f"read commit {sha}", lambda repo: repo.get_git_commit(sha).raw_data)
        return str(commit["tree"]["sha"])

    def entries(self, tree: str, prefix: str = "") -> list[git.Entry]:
        """Return every leaf of a tree; one too large for a single answer is read folder by folder."""
        whole = self._listing(tree, recursive=True)
        if not whole["truncated"]:
            return [_entry(item, prefix) for item in whole["tree"] if item["type"] != "tree"]
        entries = []
        for item in self._listing(tree, recursive=False)["tree"]:
            below = item["type"] == "tree"
            entries += self.entries(item["sha"], f"{prefix}{item['path']}/") if below else [_entry(item, prefix)]
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


def _entry(item: Mapping[str, Any], prefix: str) -> git.Entry:
    return git.Entry(path=prefix + item["path"], mode=item["mode"], kind=item["type"], sha=item["sha"])
