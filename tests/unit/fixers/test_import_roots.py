import sys
from pathlib import Path

from fixers.import_roots import missing_roots
from fixers.mounts import nested_mounts
from fixers.sandbox import Unisolated

SANDBOX = Unisolated(python=Path(sys.executable))


def roots(folder: Path, *paths: str) -> list[str]:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return missing_roots(SANDBOX, folder, paths)


def test_a_package_that_is_installed_from_elsewhere_is_put_on_the_path(tmp_path: Path) -> None:
    assert roots(tmp_path, "pyproject.toml", "src/httpx/__init__.py", "tests/__init__.py") == ["src"]


def test_every_project_of_a_monorepo_has_its_own_root(tmp_path: Path) -> None:
    found = roots(
        tmp_path, "libs/a/pyproject.toml", "libs/a/pkg_a/__init__.py", "libs/b/setup.py", "libs/b/src/pkg_b/__init__.py"
    )
    assert found == ["libs/a", "libs/b/src"]


def test_a_flat_repository_without_a_project_file_is_its_own_root(tmp_path: Path) -> None:
    assert roots(tmp_path, "pkg_c/__init__.py", "examples/__init__.py") == ["."]
    assert roots(tmp_path / "scripts-only", "agent.py") == []


def test_what_lies_within_another_mount_is_mounted_after_it() -> None:
    own, around = Path("/repo/.venv"), Path("/")
    assert nested_mounts([own], checkout=Path("/copy"), at=Path("/repo"))[:3] == ["--bind", "/copy", "/repo"]
    assert nested_mounts([around], checkout=Path("/copy"), at=Path("/repo"))[-3:] == ["--bind", "/copy", "/repo"]
