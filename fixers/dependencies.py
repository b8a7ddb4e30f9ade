"""Install what a checkout's tests need, in a phase of its own: with the network, and without anything worth stealing.

Only what the repository's own files at that commit ask for. The code under trial never runs here, and what is installed
is read only afterwards, where there is no network.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fixers.checkout import copy_tree, read_regular
from fixers.errors import NotInstalled
from fixers.sandbox import Bubblewrap, Limits

#: Read where they are there; a lock comes first and alone.
LOCKS = ("requirements.lock", "requirements-lock.txt", "requirements-dev.lock")
FILES = (
    *("requirements.txt", "requirements-dev.txt", "requirements-test.txt", "requirements-tests.txt"),
    *("requirements_dev.txt", "requirements_test.txt", "dev-requirements.txt", "test-requirements.txt"),
    *("requirements/dev.txt", "requirements/test.txt", "requirements/tests.txt"),
)
#: Extras and groups of pyproject.toml that tests may need.
FOR_TESTS = frozenset({"test", "tests", "testing", "dev", "develop", "development"})
MAX_FILE_BYTES = 1_000_000
TIMEOUT_S = 900.0
LIMITS = Limits(memory_bytes=4 * 1024**3, file_bytes=2 * 1024**3, tmp_bytes=4 * 1024**3, open_files=4_096)
OUTPUT = 600  # characters of what pip said
IN_WORK = 'cd work && exec "$0" "$@"'


def install(checkout: Path, *, sandbox: Bubblewrap, folder: Path, index_url: str = "") -> Path:
    """Make a virtual environment in the empty `folder`, and return its interpreter.

    Parameters
    ----------
    checkout
        The repository's files; read, never changed.
    sandbox
        Its interpreter is what the environment is made from. The phase itself has the network and larger limits.
    folder
        Has to stay where it is for as long as the interpreter is used.
    index_url
        Where packages come from; PyPI by default. What installs can read it, so it may not hold a password.

    Raises
    ------
    NotInstalled
        With the last that was said.

    """
    if "@" in index_url:
        raise NotInstalled("the index's address holds a password, which whatever is installed could read")
    copy_tree(checkout, folder / "work")
    phase = replace(sandbox, limits=LIMITS, network=True, at=None)
    env = {"PIP_INDEX_URL": index_url} if index_url else {}
    wanted = requirements(folder / "work")
    commands: list[list[str]] = [["python", "-m", "venv", "--without-pip", "env"]]
    if wanted:
        pip = ["python", "-m", "pip", "--python", "../env/bin/python", "install", "--no-input"]
        quiet = ["--disable-pip-version-check", "--no-cache-dir", "--quiet"]
        commands.append(["sh", "-c", IN_WORK, str(sandbox.python.absolute()), *pip[1:], *quiet, *wanted])
    for command in commands:
        done = phase.run(command, cwd=folder, env=env, timeout_s=TIMEOUT_S)
        if done.exit_status != 0:
            said = f"{done.stdout}{done.stderr}".strip()[-OUTPUT:]
            raise NotInstalled(f"exit status {done.exit_status} {done.stopped}: {said}")
    return folder / "env" / "bin" / "python"


def requirements(checkout: Path) -> list[str]:
    """Return what pip is asked to install: the lock alone, or the requirements' files and pyproject.toml's lists."""
    locks = [name for name in LOCKS if _text(checkout / name) is not None]
    files = locks[:1] or [name for name in FILES if _text(checkout / name) is not None]
    named = [] if locks else _of_project(_text(checkout / "pyproject.toml") or "")
    return [*(word for name in files for word in ("-r", name)), *named]


def _of_project(text: str) -> list[str]:
    """Return the dependencies that pyproject.toml lists, those for tests too; never the project itself.

    An installed copy would be tried instead of the edited files.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    project = _mapping(found.get("project"))
    lists = [project.get("dependencies")]
    for groups in (_mapping(project.get("optional-dependencies")), _mapping(found.get("dependency-groups"))):
        lists += [listed for name, listed in groups.items() if name.casefold() in FOR_TESTS]
    return list(dict.fromkeys(_requirements(lists)))


def _requirements(lists: Iterable[object]) -> Iterable[str]:
    """Yield plain requirements; an option of pip's is none, whatever list it stands in."""
    for listed in lists:
        for item in listed if isinstance(listed, list) else []:
            if isinstance(item, str) and not item.lstrip().startswith("-"):
                yield item


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str | None:
    content = read_regular(path, MAX_FILE_BYTES)
    return None if content is None else content.decode(errors="replace")
