"""Read the test command that a person gave for a plain checkout."""

import re
import shlex
from pathlib import Path

from bot.errors import BadSetting
from fixers.harness import SHELL_WORDS

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
PYTHON = re.compile(r"python(\d(\.\d+)?)?")
OWN_ENVIRONMENTS = (".venv", "venv")


def read_test_command(text: str, *, option: str = "--test") -> tuple[str, ...]:
    """Return the words to run. The line is the operator's own: with shell words in it, a shell runs it.

    Examples
    --------
    >>> read_test_command("CI=1 pytest -q tests/unit")
    ('env', 'CI=1', 'pytest', '-q', 'tests/unit')
    >>> read_test_command("cd libs/core && python -m pytest")
    ('sh', '-c', 'cd libs/core && python -m pytest')

    Raises
    ------
    BadSetting
        When the line is empty, or its quotes do not match.

    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise BadSetting(f"{option} {text!r} is not a command: {error}") from error
    if not words:
        raise BadSetting(f"{option} is empty")
    if SHELL_WORDS & set(words) or any(word.endswith(";") for word in words) or words[0] == "cd":
        return ("sh", "-c", text)
    if ASSIGNMENT.fullmatch(words[0]):
        return ("env", *words)
    is_python = PYTHON.fullmatch(Path(words[0]).name) is not None
    return ("python", *words[1:]) if is_python else words


def interpreter(given: Path | None, command: str, folder: Path, *, default: Path) -> Path:
    """Return the interpreter that tests run with: the one given, the command's own, the checkout's, or `default`."""
    if given is not None:
        return given.absolute()
    first = Path(shlex.split(command)[0])
    if first.is_absolute() and PYTHON.fullmatch(first.name):
        return first
    own = (folder / name / "bin" / "python" for name in OWN_ENVIRONMENTS)
    return next((python for python in own if python.exists()), default)
