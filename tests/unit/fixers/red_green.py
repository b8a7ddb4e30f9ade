"""Try a recipe's fix on a copy of a harness: its regression test really runs, before and after the edits."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fixers.diagnosis import Diagnosis, Layer
from fixers.draft import read_sources
from fixers.recipes.recipe import Fix, Recipe

HARNESSES = Path(__file__).parents[2] / "fixtures" / "harnesses"
EXAMPLE = Path(__file__).parents[3] / "examples" / "support_agent"
DIAGNOSIS = Diagnosis(failure_mode_id="m1", cause="", layer=Layer.LIFECYCLE, location=None, quotes=())


def folder(name: str) -> Path:
    return EXAMPLE if name == "support_agent" else HARNESSES / name


def fix_of(recipe: Recipe, name: str) -> Fix:
    fix = recipe.apply(read_sources(folder(name)), DIAGNOSIS)
    assert isinstance(fix, Fix), fix
    return fix


def declined(recipe: Recipe, text: str | Mapping[str, str]) -> str:
    reason = recipe.apply({"agent.py": text} if isinstance(text, str) else text, DIAGNOSIS)
    assert isinstance(reason, str), reason
    return reason


def fixed_sources(recipe: Recipe, name: str) -> dict[str, str]:
    after = {edit.path: edit.after or "" for edit in fix_of(recipe, name).edits}
    return read_sources(folder(name)) | after


def red_then_green(recipe: Recipe, name: str, tmp_path: Path) -> str:
    """Return what the test printed when it was red."""
    fix = fix_of(recipe, name)
    before, red = _run(fix, name, tmp_path / "before", edited=False)
    after, green = _run(fix, name, tmp_path / "after", edited=True)
    assert (before, after) == (1, 0), red + green
    return red


def changed_lines(fix: Fix) -> list[str]:
    """Return the lines of the source that are gone."""
    edit = fix.edits[0]
    kept = (edit.after or "").splitlines()
    return [line for line in (edit.before or "").splitlines() if line not in kept]


def _run(fix: Fix, name: str, root: Path, *, edited: bool) -> tuple[int, str]:
    shutil.copytree(folder(name), root, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for edit in fix.edits:
        if edited or edit.before is None:
            (root / edit.path).parent.mkdir(parents=True, exist_ok=True)
            (root / edit.path).write_text(edit.after or "", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", fix.regression_test]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout
