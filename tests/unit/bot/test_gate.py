"""The patch gate, on real git objects: each attack is a commit that git itself would take."""

import hashlib
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import gate, git
from fixers.harness import Harness

HARNESS = Harness(name="agent", deny=("billing/**",))
BASE = {
    "agent.py": b"def answer():\n    return 1\n",
    "bin/run.py": b"print(1)\n",
    "prompts/system.md": b"Be kind.\n",
    "tests/test_agent.py": b"def test_it():\n    assert answer() == 1\n    assert True\n",
    "windows.py": b"x = 1\r\ny = 2\r\n",
}
EDIT = ("100644", b"def answer():\n    return 2\n")

#: Path -> (mode, content); None deletes. Every one of these must be refused.
Files = Mapping[str, tuple[str, bytes] | None]
NEW = "100644"
ATTACKS: dict[str, Files] = {
    "an empty diff": {},
    "a workflow": {".github/workflows/ci.yml": (NEW, b"on: push\n")},
    "a workflow in other letters": {".GitHub/workflows/ci.py": (NEW, b"x\n")},
    "an action": {".github/actions/x/action.py": (NEW, b"x\n")},
    "another CI": {".gitlab-ci.yml": (NEW, b"x\n")},
    "circleci": {".circleci/config.yaml": (NEW, b"x\n")},
    "pre-commit": {".pre-commit-config.yaml": (NEW, b"x\n")},
    "CODEOWNERS": {".github/CODEOWNERS": (NEW, b"* @me\n")},
    "our configuration": {".github/tracewright.yml": (NEW, b"allow: ['**']\n")},
    "a denied path": {"billing/price.py": (NEW, b"x = 1\n")},
    "a path that is not allowed": {"native.c": (NEW, b"int x;\n")},
    "gitmodules": {".gitmodules": (NEW, b"[submodule]\n")},
    "gitattributes": {".gitattributes": (NEW, b"* filter=x\n")},
    "gitattributes below": {"prompts/.gitattributes": (NEW, b"* filter=x\n")},
    "gitignore": {".gitignore": (NEW, b"*\n")},
    "a lock file": {"poetry.lock": (NEW, b"x\n")},
    "package-lock": {"package-lock.json": (NEW, b"{}\n")},
    "requirements": {"requirements.txt": (NEW, b"evil\n")},
    "pyproject": {"pyproject.toml": (NEW, b"[project]\n")},
    "setup.py": {"setup.py": (NEW, b"import os\n")},
    "sitecustomize": {"sitecustomize.py": (NEW, b"import os\n")},
    "a pth file": {"x.pth": (NEW, b"import os\n")},
    "a secret": {".env": (NEW, b"KEY=1\n")},
    "a key": {"server.pem": (NEW, b"x\n")},
    "npmrc": {".npmrc": (NEW, b"x\n")},
    "a new symlink": {"link.py": ("120000", b"/etc/passwd")},
    "a file that becomes a symlink": {"agent.py": ("120000", b"/etc/passwd")},
    "a new submodule": {"vendor": ("160000", b"")},
    "a file that becomes a submodule": {"agent.py": ("160000", b"")},
    "a mode change": {"agent.py": ("100755", BASE["agent.py"])},
    "a mode change with an edit": {"agent.py": ("100755", b"x = 1\n")},
    "an executable that loses its mode": {"bin/run.py": ("100644", BASE["bin/run.py"])},
    "a new executable": {"tool.py": ("100755", b"x = 1\n")},
    "an odd mode": {"odd.py": ("100600", b"x = 1\n")},
    "binary content": {"blob.py": (NEW, b"\x00\xff\xfe")},
    "content that is not UTF-8": {"latin.py": (NEW, "é".encode("latin-1"))},
    "a huge file": {"huge.py": (NEW, b"x" * 500_000)},
    "too many files": {f"f{i}.py": (NEW, b"x = 1\n") for i in range(30)},
    "too many lines": {"long.py": (NEW, b"x = 1\n" * 2_000)},
    "a direction override": {"agent.py": (NEW, "x = '\u202e' # \u2066admin\u2069\n".encode())},
    "a zero-width space": {"agent.py": (NEW, "pass\u200bword = 1\n".encode())},
    "a zero-width joiner": {"prompts/system.md": (NEW, "ig\u200dnore\n".encode())},
    "tag characters": {"prompts/system.md": (NEW, "Be kind.\U000e0041\U000e0042\n".encode())},
    "variation selectors as data": {"prompts/system.md": (NEW, "Be kind.\U000e0101\n".encode())},
    "a Hangul filler": {"agent.py": (NEW, "\u3164 = 1\n".encode())},
    "an escape sequence": {"prompts/system.md": (NEW, b"\x1b[2J\n")},
    "a bare carriage return": {"agent.py": (NEW, b"x = 1 # \rimport os\n")},
    "a weakened test": {"tests/test_agent.py": (NEW, b"def test_it():\n    assert True\n")},
    "a deleted test": {"tests/test_agent.py": None},
    "a skipped test": {
        "tests/test_agent.py": (NEW, b"import pytest\n@pytest.mark.skip\n" + BASE["tests/test_agent.py"])
    },
    "a path with a direction override": {"a\u202egpj.py": (NEW, b"x\n")},
    "a path with a zero-width space": {"agent\u200b.py": (NEW, b"x\n")},
    "a path that another differs from by case": {"Agent.py": (NEW, b"x\n")},
    "a path in another Unicode form": {"\uff41gent.py": (NEW, b"x\n")},
    "a backslash": {"..\\..\\x.py": (NEW, b"x\n")},
    "a drive": {"C:x.py": (NEW, b"x\n")},
    "a newline": {"a\nb.py": (NEW, b"x\n")},
    "a trailing dot": {"prompts./x.md": (NEW, b"x\n")},
    # Git takes these only when the tree is written byte by byte.
    ".git": {".git/config": (NEW, b"[core]\n")},
    ".GIT": {".GIT/hooks/x.py": (NEW, b"x\n")},
    ".git of a short name": {"GIT~1/config.py": (NEW, b"x\n")},
    ".git with a letter that macOS skips": {".g\u200cit/config.py": (NEW, b"x\n")},
    ".git with a trailing space": {".git /config.py": (NEW, b"x\n")},
    ".git as a stream": {".git::$INDEX_ALLOCATION/x.py": (NEW, b"x\n")},
    "a parent folder": {"../x.py": (NEW, b"x\n")},
    "the folder itself": {"./x.py": (NEW, b"x\n")},
}

BENIGN: dict[str, Files] = {
    "an edit": {"agent.py": EDIT},
    "a prompt": {"prompts/system.md": (NEW, "Be kind, and check who asks - naïve is fine. ❤\ufe0f\n".encode())},
    "a new test": {"agent.py": EDIT, "tests/test_fix.py": (NEW, b"def test_fix():\n    assert True\n")},
    "an extended test": {"tests/test_agent.py": (NEW, BASE["tests/test_agent.py"] + b"    assert 1\n")},
    "an edit of an executable": {"bin/run.py": ("100755", b"print(2)\n")},
    "a file with Windows line ends": {"windows.py": (NEW, b"x = 1\r\ny = 3\r\n")},
    "a deleted module": {"windows.py": None},
    "tabs": {"agent.py": (NEW, b"def answer():\n\treturn 2\n")},
}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return git.init_bare(tmp_path / "repo")


def _write(repo: Path, kind: str, content: bytes) -> str:
    """Keep an object without any of git's own checks."""
    data = f"{kind} {len(content)}\0".encode() + content
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    path = repo / "objects" / sha[:2] / sha[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    return sha


def _tree(repo: Path, files: Mapping[str, tuple[str, bytes]]) -> str:
    """Write a tree byte by byte, whatever its names are."""
    below: dict[str, dict[str, tuple[str, bytes]]] = {}
    entries: dict[str, tuple[str, str]] = {}
    for path, (mode, content) in files.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = (mode, content)
        else:
            entries[name] = (mode, "1" * 40 if mode == "160000" else _write(repo, "blob", content))
    entries |= {name: ("40000", _tree(repo, inner)) for name, inner in below.items()}
    order = sorted(entries, key=lambda name: (name + "/" * (entries[name][0] == "40000")).encode())
    data = b"".join(f"{entries[name][0]} {name}\0".encode() + bytes.fromhex(entries[name][1]) for name in order)
    return _write(repo, "tree", data)


def _commits(repo: Path, files: Files, message: str = "Fix") -> tuple[str, str]:
    before = {path: ("100755" if path.startswith("bin/") else "100644", content) for path, content in BASE.items()}
    after = {path: found for path, found in {**before, **files}.items() if found is not None}
    base = git.write_commit(repo, _tree(repo, before), parents=(), message="Start")
    return base, git.write_commit(repo, _tree(repo, after), parents=(base,), message=message)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(repo: Path, name: str) -> None:
    base, head = _commits(repo, ATTACKS[name])
    assert gate.check(repo, base, head, HARNESS)


@pytest.mark.parametrize("name", BENIGN)
def test_a_benign_change_passes(repo: Path, name: str) -> None:
    base, head = _commits(repo, BENIGN[name])
    assert gate.check(repo, base, head, HARNESS) == []


def test_a_second_parent_is_refused(repo: Path) -> None:
    base, head = _commits(repo, BENIGN["an edit"])
    merge = git.write_commit(repo, git.read_commit(repo, head).tree, parents=(base, head), message="Merge")
    assert "parents" in gate.check(repo, base, merge, HARNESS)[0]


def test_a_commit_on_another_base_is_refused(repo: Path) -> None:
    base, head = _commits(repo, BENIGN["an edit"])
    later = git.write_commit(repo, git.read_commit(repo, head).tree, parents=(head,), message="Later")
    assert "parents" in gate.check(repo, base, later, HARNESS)[0]


def test_a_commit_without_parent_is_refused(repo: Path) -> None:
    base, head = _commits(repo, BENIGN["an edit"])
    orphan = git.write_commit(repo, git.read_commit(repo, head).tree, parents=(), message="Orphan")
    assert "parents" in gate.check(repo, base, orphan, HARNESS)[0]


def test_an_invisible_character_in_the_message_is_refused(repo: Path) -> None:
    base, head = _commits(repo, BENIGN["an edit"], message="Fix \u202e xiF")
    assert gate.check(repo, base, head, HARNESS) == ["invisible or direction-changing character in the commit message"]


def test_an_invisible_character_that_was_there_before_stays(repo: Path) -> None:
    text = "# \u200b\nx = 1\n".encode()
    base = git.write_commit(repo, _tree(repo, {"a.py": ("100644", text)}), parents=(), message="Start")
    head = git.write_commit(repo, _tree(repo, {"a.py": ("100644", text + b"y = 2\n")}), parents=(base,), message="Fix")
    assert gate.check(repo, base, head, HARNESS) == []


def test_every_reason_is_a_line_that_can_be_shown(repo: Path) -> None:
    base, head = _commits(repo, ATTACKS["a path with a direction override"])
    assert all(reason.isprintable() for reason in gate.check(repo, base, head, HARNESS))
