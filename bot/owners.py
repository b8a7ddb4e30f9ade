"""Whom to ask for a review: the people that CODEOWNERS names for the changed files."""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from codeowners import CodeOwners

# https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
MAX_REVIEWERS = 2
MAX_CHARACTERS = 200_000


def reviewers(paths: Iterable[str], read: Callable[[str], str | None]) -> list[str]:
    """Return the logins to ask, those of most files first.

    Teams are not asked, for an App may not see them; nor are owners who are named by an e-mail address only.

    Parameters
    ----------
    paths
        The files that change.
    read
        Returns the text of a file of the default branch, None when there is none.

    """
    text = next((found for place in PLACES if (found := read(place)) is not None), "")
    try:
        owners = CodeOwners(text[:MAX_CHARACTERS])
    except (ValueError, re.error):  # GitHub ignores such a line; asking nobody harms nobody
        return []
    named = Counter(name.removeprefix("@") for path in paths for kind, name in owners.of(path) if kind == "USERNAME")
    return [login for login, _ in named.most_common(MAX_REVIEWERS)]
