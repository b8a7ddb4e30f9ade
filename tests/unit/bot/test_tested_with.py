from pathlib import Path

import pytest

from bot.errors import BadSetting
from bot.tested_with import interpreter, read_test_command


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pytest -q 'a b'", ("pytest", "-q", "a b")),
        ("python3.12 -m pytest", ("python", "-m", "pytest")),
        ("/opt/venv/bin/python -m pytest", ("python", "-m", "pytest")),
        ("CI=1 python -m pytest", ("env", "CI=1", "python", "-m", "pytest")),
        ("cd libs/a && pytest", ("sh", "-c", "cd libs/a && pytest")),
    ],
)
def test_a_command_line_becomes_words(line: str, words: tuple[str, ...]) -> None:
    assert read_test_command(line) == words


@pytest.mark.parametrize("line", ["", "pytest 'half"])
def test_what_is_no_command_is_refused(line: str) -> None:
    with pytest.raises(BadSetting, match="--test"):
        read_test_command(line)


def test_the_interpreter_is_the_one_given_or_the_commands_or_the_checkouts(tmp_path: Path) -> None:
    default, given = Path("/usr/bin/python3"), Path("/x/bin/python")
    assert interpreter(given, "pytest", tmp_path, default=default) == given
    assert interpreter(None, "/y/bin/python3 -m pytest", tmp_path, default=default) == Path("/y/bin/python3")
    assert interpreter(None, "pytest", tmp_path, default=default) == default
    own = tmp_path / ".venv/bin/python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert interpreter(None, "pytest", tmp_path, default=default) == own
