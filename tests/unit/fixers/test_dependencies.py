"""What the tests of a checkout need is installed from its own files, in a phase without secrets."""

import shutil
import socket
import sys
import zipfile
from pathlib import Path

import pytest

from fixers.dependencies import install, requirements
from fixers.errors import NotInstalled
from fixers.sandbox import Bubblewrap, find_sandbox

PYPROJECT = """
[project]
name = "agent"
dependencies = ["httpx>=0.28", "--index-url=https://evil.example"]
[project.optional-dependencies]
test = ["pytest"]
docs = ["sphinx"]
[dependency-groups]
dev = ["pytest", "respx", {include-group = "docs"}]
"""
needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def checkout(folder: Path, **files: str) -> Path:
    made = folder / "checkout"
    made.mkdir()
    for name, text in files.items():
        (made / name.replace("__", ".")).write_text(text)
    return made


def wheel(folder: Path) -> str:
    """Make a package of one module that nobody else has."""
    name = "tiny_tw-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as file:
        file.writestr("tiny_tw.py", "VALUE = 7\n")
        file.writestr("tiny_tw-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-tw\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr("tiny_tw-1.0.dist-info/WHEEL", tag)
        file.writestr("tiny_tw-1.0.dist-info/RECORD", "")
    return name


@needs_bwrap
def test_what_a_requirements_file_names_is_there_for_the_code_under_trial(tmp_path: Path) -> None:
    made, folder = checkout(tmp_path), tmp_path / "installed"
    folder.mkdir()
    (made / "requirements.txt").write_text(f"./{wheel(made)}\n")
    python = install(made, sandbox=find_sandbox(), folder=folder)
    again = find_sandbox(python=python)
    done = again.run(["python", "-c", "import tiny_tw; print(tiny_tw.VALUE)"], cwd=made, env={}, timeout_s=30)
    assert (done.stdout, again.network) == ("7\n", False)
    assert sorted(path.name for path in made.iterdir()) == ["requirements.txt", "tiny_tw-1.0-py3-none-any.whl"]


@needs_bwrap
def test_what_cannot_be_installed_is_told(tmp_path: Path) -> None:
    made, folder = checkout(tmp_path, requirements__txt="./no_such-1.0-py3-none-any.whl\n"), tmp_path / "installed"
    folder.mkdir()
    with pytest.raises(NotInstalled, match="no_such"):
        install(made, sandbox=find_sandbox(), folder=folder)


def test_an_index_with_a_password_is_refused(tmp_path: Path) -> None:
    sandbox = Bubblewrap(bwrap=Path("bwrap"), prlimit=Path("prlimit"), python=Path(sys.executable))
    with pytest.raises(NotInstalled, match="password"):
        install(checkout(tmp_path), sandbox=sandbox, folder=tmp_path, index_url="https://a:b@pypi.example/simple")


def test_the_lists_of_pyproject_count_but_for_options_and_other_extras(tmp_path: Path) -> None:
    assert requirements(checkout(tmp_path, pyproject__toml=PYPROJECT)) == ["httpx>=0.28", "pytest", "respx"]


def test_a_lock_stands_alone(tmp_path: Path) -> None:
    made = checkout(tmp_path, pyproject__toml=PYPROJECT, requirements__txt="a", requirements__lock="a==1")
    assert requirements(made) == ["-r", "requirements.lock"]


@pytest.mark.parametrize("text", ["", "[", "project = 1", "[project]\ndependencies = 'x'"])
def test_a_strange_pyproject_names_nothing(tmp_path: Path, text: str) -> None:
    assert requirements(checkout(tmp_path, pyproject__toml=text)) == []


def test_a_link_out_of_the_checkout_is_no_requirements_file(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("evil")
    made = checkout(tmp_path)
    (made / "requirements.txt").symlink_to(tmp_path / "outside.txt")
    assert requirements(made) == []


@needs_bwrap
def test_only_that_phase_has_the_network(tmp_path: Path) -> None:
    made = checkout(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (made / "reach.py").write_text(f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)")
        sandbox = find_sandbox()
        assert sandbox.run(["python", "reach.py"], cwd=made, env={}, timeout_s=30).exit_status == 1
        with_network = Bubblewrap(bwrap=sandbox.bwrap, prlimit=sandbox.prlimit, python=sandbox.python, network=True)
        assert with_network.run(["python", "reach.py"], cwd=made, env={}, timeout_s=30).exit_status == 0
