"""Write a test that calls the harness through an entry, with the model's part played."""

from collections.abc import Mapping, Sequence

from fixers.proposal import Edit
from fixers.recipes.entry import Entry
from fixers.recipes.regression import COMPLETION, lines, write_test


def written_through(
    entry: Entry,
    sources: Mapping[str, str],
    *,
    name: str,
    doc: str,
    text: str,
    helpers: Sequence[str] | None = None,
    setup: Sequence[str] | None = None,
) -> Edit:
    """Return the edit that adds the test file.

    Parameters
    ----------
    entry
        What the test calls.
    sources
        The repository.
    name, doc
        What the file is called for, and its docstring.
    text
        The test function, with the lines `{import}` and `SETUP`, and `CALL` where the call stands.
    helpers
        Functions of the test file; `completion` and `fake_provider` when there are none.
    setup
        The lines that prepare the call; the entry's own by default.

    """
    prepared = "".join(f"    {line}\n" for line in (entry.call.setup if setup is None else setup))
    return write_test(
        name=name,
        doc=doc,
        imported=entry.imported,
        source=entry.source,
        sources=sources,
        helpers=[COMPLETION, entry.transport.fake_provider()] if helpers is None else helpers,
        test=lines(text).replace("SETUP\n", prepared).replace("CALL", entry.call.awaited()),
    )
