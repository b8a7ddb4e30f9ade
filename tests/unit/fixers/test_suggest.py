"""The configuration that a repository's own files suggest."""

import pytest

from fixers.harness import CONFIGURATION_PATH, Autonomy, read_harnesses
from fixers.suggest import suggest

AGENT = ["README.md", "pyproject.toml", "shop_agent/loop.py", "shop_agent/replay.py", "shop_agent/prompts/system.md"]
NEEDS = {"pyproject.toml": 'dependencies = ["openai>=1"]'}


def test_an_agent_is_described_by_what_is_there() -> None:
    text = suggest([*AGENT, "tests/test_loop.py"], NEEDS, repository="acme/shop", services=["shop-agent"])
    assert text is not None
    (harness,) = read_harnesses(text)
    assert (harness.name, harness.services) == ("shop", ("shop-agent",))
    assert harness.allow == ("shop_agent/**/*.py", "shop_agent/prompts/**/*.md", "tests/**/*.py")
    assert harness.test == ("python", "-m", "pytest", "-q")
    assert harness.replay == ("python", "-m", "shop_agent.replay")
    assert harness.autonomy is Autonomy.DRAFT


def test_what_is_not_known_is_left_to_the_people() -> None:
    text = suggest(["agent/main.py"], {"requirements.txt": "anthropic\n"}, repository="acme/shop")
    assert text is not None
    assert "# services:" in text
    assert "# replay:" in text
    (harness,) = read_harnesses(text)
    assert (harness.services, harness.replay) == (("*",), None)


@pytest.mark.parametrize(
    ("paths", "texts", "test"),
    [
        (["Makefile"], {"Makefile": "all:\n\ntest: build\n\tgo"}, ("make", "test")),
        (["tox.ini"], {"tox.ini": "[tox]"}, ("tox",)),
        (["package.json"], {"package.json": '{"scripts": {"test": "jest"}}'}, ("npm", "test")),
        (["pytest.ini", "Makefile"], {"Makefile": "test:\n"}, ("python", "-m", "pytest", "-q")),
        ([], {"pyproject.toml": "[tool.pytest.ini_options]"}, ("python", "-m", "pytest", "-q")),
    ],
)
def test_the_test_command_is_the_repositorys_own(paths: list[str], texts: dict[str, str], test: tuple[str]) -> None:
    text = suggest(["agent/main.py", *paths], texts, repository="acme/shop", services=["shop"])
    assert text is not None
    assert read_harnesses(text)[0].test == test


@pytest.mark.parametrize(
    ("paths", "texts"),
    [(["src/lib/a.py"], {"pyproject.toml": "dependencies = ['requests']"}), (["README.md"], NEEDS), ([], {})],
    ids=["no agent", "no code", "nothing"],
)
def test_what_is_no_agent_is_not_asked(paths: list[str], texts: dict[str, str]) -> None:
    assert suggest(paths, texts, repository="acme/lib") is None


def test_hostile_names_are_left_out() -> None:
    paths = ['x"]\n    autonomy: x/a.py', "a b/c.py", "**/d.py", ".github/prompts/x.md", "ok/prompts/p.md", "ok/e.py"]
    services = ["*", "sh?p", "a\nautonomy: draft", "\u202eevil", " ", "fine: [service]", "it's #1"]
    text = suggest(paths, {}, repository="acme/shop", services=services)
    assert text is not None
    (harness,) = read_harnesses(text)
    assert harness.allow == ("ok/**/*.py", "ok/prompts/**/*.md")
    assert harness.services == ("it's #1",)
    assert CONFIGURATION_PATH not in text
