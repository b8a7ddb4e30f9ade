"""Which folders of a checkout must be put on the path, so that its own packages are imported and no installed copy."""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from fixers.sandbox import Sandbox

PROJECT_FILES = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
NOT_PACKAGES = frozenset({"tests", "test", "docs", "doc", "examples", "scripts", "benchmarks", "setup", "conftest"})
MAX_ROOTS = 200
TIMEOUT_S = 120.0
# Isolated mode: neither the working folder nor PYTHONPATH counts, only what is installed, editable or not.
PROBE = """
import importlib.util, json, os, sys
found = {}
for expected in sys.argv[1:]:
    name = os.path.basename(expected)
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # a parent package is imported, and may raise anything: then it is not found
        spec = None
    places = [*(spec.submodule_search_locations or ()), spec.origin or ""] if spec else []
    full = os.path.abspath(expected)
    found[expected] = any(os.path.abspath(place) in (full, full + ".py") for place in places if place)
print(json.dumps(found))
"""


def missing_roots(sandbox: Sandbox, checkout: Path, paths: Iterable[str]) -> list[str]:
    """Return the folders, relative to the checkout, whose packages the interpreter would not import from there.

    Parameters
    ----------
    sandbox
        Asks the interpreter that will run the tests.
    checkout
        A copy of the repository.
    paths
        Its files.

    """
    packages = _packages(list(paths))
    if not packages:
        return []
    done = sandbox.run(["python", "-I", "-c", PROBE, *packages], cwd=checkout, env={}, timeout_s=TIMEOUT_S)
    try:
        found = json.loads(done.stdout)
    except ValueError:  # an interpreter that cannot even say this runs no test either, which the verdict will tell
        return []
    return list(dict.fromkeys(root for package, root in packages.items() if not found.get(package)))


def _packages(paths: list[str]) -> dict[str, str]:
    """Return the folder to put on the path by package, for every project of a repository."""
    packages = {PurePosixPath(path).parent for path in paths if path.endswith("/__init__.py")}
    projects = sorted({PurePosixPath(path).parent for path in paths if PurePosixPath(path).name in PROJECT_FILES})
    roots = [PurePosixPath(".")] if not projects else projects[:MAX_ROOTS]
    found: dict[str, str] = {}
    for project in roots:
        for root in (project / "src", project):
            inside = sorted(p for p in packages if p.parent == root and p.name not in NOT_PACKAGES)
            found |= {str(package): str(root) for package in inside if package.name.isidentifier()}
            if inside:
                break
    return found
