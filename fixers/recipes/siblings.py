"""The same flaw elsewhere in the repository is mended in the same pull request."""

from collections.abc import Mapping
from dataclasses import replace

from fixers.diagnosis import Diagnosis
from fixers.harness import Harness
from fixers.proposal import Edit
from fixers.recipes.recipe import Fix, Recipe, Seen
from fixers.scope import violations

#: More places than this are a refactoring, which people should plan.
MAX_SIBLINGS = 12


def with_siblings(
    fix: Fix, recipe: Recipe, sources: Mapping[str, str], *, diagnosis: Diagnosis, seen: Seen, harness: Harness
) -> Fix:
    """Return the fix with every other place that the recipe mends alike; the regression test stays that of the first.

    Parameters
    ----------
    fix
        Of the place that the runs failed at.
    recipe, sources, diagnosis, seen
        What made the fix, and of what.
    harness
        Places outside its scope are left as they are.

    """
    edits = {edit.path: edit for edit in fix.edits}
    also: list[str] = []
    for _ in range(MAX_SIBLINGS):
        current = {**sources, **{path: edit.after or "" for path, edit in edits.items()}}
        more = recipe.apply(current, diagnosis, seen=seen)
        if isinstance(more, str):
            break
        found = [edit for edit in more.edits if edit.path != more.regression_test]
        if violations(found, harness) or not any(edit.after != current.get(edit.path) for edit in found):
            break
        for edit in found:
            edits[edit.path] = Edit(path=edit.path, before=sources[edit.path], after=edit.after)
        also += [edit.path for edit in found]
    if not also:
        return fix
    paths = ", ".join(sorted(set(also)))
    return replace(fix, edits=tuple(edits.values()), rationale=f"{fix.rationale} The same is mended at {paths}.")
