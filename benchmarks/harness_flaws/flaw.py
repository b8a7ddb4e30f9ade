"""Flaw: a seeded mistake in one harness, as its folder below `flaws/` describes it, and the checkout that has it.

flaw.yaml       what and where it is
flaw.patch      the clean harness -> the flawed one
test_hidden.py  red with the flaw, green without it; never shown to a fixer
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness_flaws.domain import Domain, load
from fixers.diagnosis import Layer

HERE = Path(__file__).parent
FLAWS = HERE / "flaws"
HARNESSES = HERE / "harnesses"
WHO = {"NAME": "Owner", "EMAIL": "owner@example.com", "DATE": "2026-01-01T00:00:00Z"}
GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in WHO.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One seeded flaw."""

    id: str
    harness: str
    #: A few words that flaws of one kind share.
    kind: str
    layer: Layer
    #: Where the right diagnosis points: a path of the harness, and its first and last line, 1-based.
    file: str
    lines: tuple[int, int]
    #: Other files that a right diagnosis may point to as well.
    also: tuple[str, ...]
    #: No exception and no error status anywhere in the failing traces.
    silent: bool
    #: The right diagnosis, in a sentence.
    diagnosis: str
    #: The kinds of visits that it fails.
    fails: tuple[str, ...]
    folder: Path

    @property
    def domain(self) -> Domain:
        """The harness's domain."""
        return load(self.harness)

    @property
    def hidden_test(self) -> Path:
        """The test that no fixer sees."""
        return self.folder / "test_hidden.py"


def read_flaw(folder: Path) -> Flaw:
    """Read the manifest of a flaw.

    Raises
    ------
    ValueError
        When a field is missing, unknown or of a wrong kind.

    """
    fields: dict[str, Any] = yaml.safe_load((folder / "flaw.yaml").read_text(encoding="utf-8"))
    fields |= {"layer": Layer(fields["layer"]), "id": folder.name, "folder": folder}
    for name in ("lines", "fails", "also"):
        fields[name] = tuple(fields[name])
    try:
        return Flaw(**fields)
    except TypeError as error:
        raise ValueError(f"{folder.name}: {error}") from error


def all_flaws() -> list[Flaw]:
    """Return every flaw, by name."""
    return [read_flaw(path.parent) for path in sorted(FLAWS.glob("*/flaw.yaml"))]


def check_out(harness: str, folder: Path, *, flaw: Flaw | None = None) -> Path:
    """Make a git repository of a harness, with a flaw or clean; the commit is the same every time."""
    shutil.copytree(HARNESSES / harness, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    git(folder, "init", "-q", "-b", "main")
    if flaw is not None:
        git(folder, "apply", "--whitespace=nowarn", str(flaw.folder / "flaw.patch"))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Serve our users")
    return folder


def git(repository: Path, *words: str) -> str:
    """Run git in a repository and return what it says."""
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, check=True, env=GIT_ENVIRONMENT, capture_output=True, text=True).stdout
