"""Run a fix's regression test in this process, on harnesses that are a few lines of these tests' own."""

import importlib.util
import sys
import unittest
from collections.abc import Mapping
from pathlib import Path

import pytest

from fixers.recipes.recipe import NOTHING, Fix, Recipe, Seen
from tests.unit.fixers.red_green import DIAGNOSIS


def mended(recipe: Recipe, sources: Mapping[str, str], tmp_path: Path, *, seen: Seen = NOTHING) -> Fix:
    """Return the fix, whose test fails before the edits and passes after them."""
    fix = recipe.apply(sources, DIAGNOSIS, seen=seen)
    assert isinstance(fix, Fix), fix
    test = {edit.path: edit.after or "" for edit in fix.edits if edit.before is None}
    assert outcome(tmp_path / "before", {**sources, **test}, fix.regression_test) is not None
    after = after_of(fix, sources)
    error = outcome(tmp_path / "after", after, fix.regression_test)
    assert error is None, (error, after)
    return fix


def after_of(fix: Fix, sources: Mapping[str, str]) -> dict[str, str]:
    return {**sources, **{edit.path: edit.after or "" for edit in fix.edits}}


def outcome(root: Path, sources: Mapping[str, str], test: str) -> Exception | None:
    """Return what the test raised; None when it passed."""
    for path, text in sources.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    modules, paths = set(sys.modules), list(sys.path)
    sys.path[:0] = [str(root), str(root / "src")]
    try:
        spec = importlib.util.spec_from_file_location("regression_under_test", root / test)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        functions = [value for name, value in vars(module).items() if name.startswith("test_")]
        with pytest.MonkeyPatch.context() as monkeypatch:
            for run in functions:
                run(*([monkeypatch] if run.__code__.co_argcount else []))
        ran = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromModule(module).run(ran)
        assert len(functions) + ran.testsRun == 1
        assert ran.wasSuccessful(), ran.errors + ran.failures
    except Exception as error:  # noqa: BLE001 - whatever a red test raises
        return error
    finally:
        sys.path[:] = paths
        own = {path.removeprefix("src/").split("/")[0].removesuffix(".py") for path in sources}
        for name in set(sys.modules) - modules:
            if name.split(".")[0] in own:
                del sys.modules[name]
    return None
