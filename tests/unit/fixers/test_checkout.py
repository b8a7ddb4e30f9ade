import os
from pathlib import Path

import pytest

from fixers.checkout import apply_edits, copy_tree, edits_between, read_tree
from fixers.errors import DoesNotApply, TreeTooLarge
from fixers.proposal import Edit


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "plain").write_bytes(b"x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    assert read_tree(tmp_path) == {"sub/plain": b"x"}


def test_leftovers_and_large_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"x")
    (tmp_path / "large").write_bytes(bytes(11))
    assert read_tree(tmp_path, max_file_bytes=10) == {}


@pytest.mark.parametrize("limit", [{"max_files": 1}, {"max_bytes": 3}])
def test_a_tree_beyond_the_limits_is_refused(tmp_path: Path, limit: dict[str, int]) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"xx")
    with pytest.raises(TreeTooLarge):
        read_tree(tmp_path, **limit)


@pytest.mark.parametrize("limit", [{"max_files": 2}, {"max_bytes": 5}])
def test_a_tree_beyond_the_limits_can_be_read_without_its_largest_files(tmp_path: Path, limit: dict[str, int]) -> None:
    for name, size in (("a", 9), ("b", 2), ("c", 3)):
        (tmp_path / name).write_bytes(bytes(size))
    assert list(read_tree(tmp_path, fit=True, **limit)) == ["b", "c"]


def test_edits_say_what_was_made_changed_and_deleted() -> None:
    before = {"a": b"1", "b": b"1", "c": b"1", "d": b"\xff"}
    after = {"a": b"1", "b": b"2", "d": b"\xfe", "e": b"new"}
    assert edits_between(before, after) == (
        Edit(path="b", before="1", after="2"),
        Edit(path="c", before="1", after=None),
        Edit(path="e", before=None, after="new"),
    )


def test_edits_are_applied(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("1")
    (tmp_path / "gone").write_text("1")
    edits = [
        Edit(path="old", before="1", after="2"),
        Edit(path="gone", before="1", after=None),
        Edit(path="new/file", before=None, after="é\r\n"),
    ]
    apply_edits(tmp_path, edits)
    assert read_tree(tmp_path) == {"old": b"2", "new/file": "é\r\n".encode()}


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/x", "a/../../x", "", ".", "./x", "a//b", "a\\..\\x", ".git/config", "sub/.GIT/hooks/x", "a\0b"],
)
def test_a_path_that_leads_elsewhere_does_not_apply(tmp_path: Path, path: str) -> None:
    with pytest.raises(DoesNotApply):
        apply_edits(tmp_path, [Edit(path=path, before=None, after="x")])


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, checkout = tmp_path / "outside", tmp_path / "checkout"
    outside.mkdir()
    checkout.mkdir()
    (outside / "file").write_text("1")
    (checkout / "folder").symlink_to(outside)
    (checkout / "file").symlink_to(outside / "file")
    for edit in (Edit(path="folder/new", before=None, after="x"), Edit(path="file", before="1", after="x")):
        with pytest.raises(DoesNotApply, match="symbolic link"):
            apply_edits(checkout, [edit])
    assert read_tree(outside) == {"file": b"1"}


def test_when_one_edit_does_not_fit_none_is_written(tmp_path: Path) -> None:
    good = Edit(path="new", before=None, after="x")
    for bad in (
        Edit(path="missing", before="1", after="2"),
        Edit(path="file", before="other", after="2"),
        Edit(path="file", before=None, after="2"),
        Edit(path="file/below", before=None, after="2"),
    ):
        (tmp_path / "file").write_text("1")
        with pytest.raises(DoesNotApply):
            apply_edits(tmp_path, [good, bad])
    assert read_tree(tmp_path) == {"file": b"1"}


def test_a_copy_keeps_modes_and_leaves_links_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "run.sh").write_text("x")
    (source / "run.sh").chmod(0o755)
    (source / "link").symlink_to("/etc/passwd")
    copy_tree(source, tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["run.sh"]
    assert (tmp_path / "copy" / "run.sh").stat().st_mode & 0o777 == 0o755
