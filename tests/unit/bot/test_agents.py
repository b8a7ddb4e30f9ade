from pathlib import Path

import pytest

from bot.agents import read_agents
from bot.errors import BadSetting
from bot.forge.forge import Forge
from bot.forge.local import LocalForge
from tests.unit.bot.recorded_product import Unreachable, make_repository


def find(folder: Path, broken: str = "") -> Forge:
    return (Unreachable if folder.name == broken else LocalForge)(folder, folder=folder / "pull-requests")


def repositories(folder: Path, *configurations: str) -> list[str]:
    made = [
        make_repository(folder / f"r{number}", {"a.py": "", ".github/tracewright.yml": text})
        for number, text in enumerate(configurations)
    ]
    return [str(path) for path in made]


def test_the_first_agent_whose_pattern_matches_owns_a_service(tmp_path: Path) -> None:
    names = repositories(tmp_path, "agents: [{services: [shop-*]}]", "")
    agents = read_agents(names, lambda path: find(Path(path)))
    owners = [agents.owner_of(service) for service in ("shop-eu", "billing")]
    assert [owner.harness.name for owner in owners if owner] == ["r0", "r1"]


def test_a_repository_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    names = repositories(tmp_path, "agents: 3", "agents: [{services: [shop]}]", "")
    agents = read_agents(names, lambda path: find(Path(path), broken="r2"))
    assert agents.unreadable == {
        names[0]: ".github/tracewright.yml: line 1, agents: '3' is not a list",
        names[2]: "no answer from git.example.com",
    }
    assert agents.owner_of("shop") is not None


def test_nobody_inherits_everything_while_a_repository_cannot_be_read(tmp_path: Path) -> None:
    names = repositories(tmp_path, "agents: [{services: [shop]}]", "")
    assert read_agents(names, lambda path: find(Path(path), broken="r0")).owner_of("shop") is None


def test_a_folder_that_is_gone_and_a_missing_app_are_told(tmp_path: Path) -> None:
    def forge_of(path: str) -> Forge:
        if "/" not in path.removeprefix("/"):
            raise BadSetting("no App")
        return find(Path(path))

    unreadable = read_agents(["nowhere", str(tmp_path / "gone")], forge_of).unreadable
    assert unreadable["nowhere"] == "no App"
    assert "gone" in unreadable[str(tmp_path / "gone")]


@pytest.mark.parametrize("text", ["", "agents:\n"])
def test_an_empty_configuration_is_one_agent_named_for_its_repository(tmp_path: Path, text: str) -> None:
    agents = read_agents(repositories(tmp_path, text), lambda path: find(Path(path)))
    assert [(agent.harness.name, agent.base.branch) for agent in agents.readable] == [("r0", "main")]
