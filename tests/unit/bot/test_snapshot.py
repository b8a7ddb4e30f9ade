from pathlib import Path

import pytest

from bot import git
from bot.errors import BadSetting
from bot.snapshot import snapshot


def write(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"text of {path}\r\n")
    return folder


def taken(folder: Path, repo: Path) -> set[str]:
    return {entry.path for entry in git.list_tree(repo, snapshot(folder, repo).sha)}


def test_sources_are_kept_and_what_tools_made_is_not(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "it",
        *("a.py", "src/build/b.py", "data.bin", ".github/tracewright.yml", "sub/.git", "sub/c.py"),
        *("build/lib/a.py", "node_modules/d.js", ".git/config", "env311/pyvenv.cfg", "env311/lib/e.py", "x/dist/f.py"),
    )
    kept = {"a.py", "src/build/b.py", "data.bin", ".github/tracewright.yml", "sub/c.py", "x/dist/f.py"}
    assert taken(folder, tmp_path / "repo") == kept


def test_bytes_and_the_right_to_run_are_kept_as_they_are(tmp_path: Path) -> None:
    folder = write(tmp_path / "it", "run.sh", ".gitattributes")
    (folder / ".gitattributes").write_text("* text=auto\n")
    (folder / "run.sh").chmod(0o755)
    repo = tmp_path / "repo"
    entries = {entry.path: entry for entry in git.list_tree(repo, snapshot(folder, repo).sha)}
    assert entries["run.sh"].mode == git.EXECUTABLE
    assert git.read_blob(repo, entries["run.sh"].sha) == b"text of run.sh\r\n"


def test_links_and_large_files_are_left_out_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.snapshot.MAX_FILE_BYTES", 20)
    folder = write(tmp_path / "it", "a.py", "a-file-with-a-longer-name.bin")
    (folder / "folder").symlink_to("/etc")
    (folder / "gone").symlink_to("nowhere")
    assert set(snapshot(folder, tmp_path / "repo").left_out) == {"folder", "gone", "a-file-with-a-longer-name.bin"}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="holds no files"):
        snapshot(tmp_path, tmp_path / "repo")
