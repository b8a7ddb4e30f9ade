"""Whom a pull request asks for a review."""

from bot.owners import reviewers

FILE = """\
*            @acme/everyone
agent/*.py   @ada @grace ops@example.com
agent/db.py  @grace
prompts/     @ada @edsger
"""


def ask(*paths: str, place: str = ".github/CODEOWNERS", text: str = FILE) -> list[str]:
    return reviewers(paths, {place: text}.get)


def test_the_owners_of_most_files_are_asked_at_most_two() -> None:
    assert ask("agent/db.py", "agent/loop.py", "prompts/a.md", "prompts/b.md") == ["ada", "grace"]


def test_teams_and_addresses_are_not_asked() -> None:
    assert ask("README.md") == []
    assert ask("agent/loop.py") == ["ada", "grace"]


def test_the_file_may_stand_where_github_looks_for_it() -> None:
    assert ask("agent/db.py", place="docs/CODEOWNERS") == ["grace"]
    assert ask("agent/db.py", place="elsewhere/CODEOWNERS") == []


def test_a_file_that_cannot_be_read_names_nobody() -> None:
    assert ask("a.py", text="[" * 50 + "\n***\n*.py\n\\") == []
